//! Lists, in pages that survive what happens between them.

use crate::{client::*, messages::*};
use bytes::Bytes;
use foregather::wire::proto::{Message, MessageType, StatusCode};

/// The cookie on a page.
fn cookie(page: &Message) -> Option<Bytes> {
    page.discovery[0].cookie.clone()
}

#[tokio::test]
async fn pages_lose_nobody_who_stays_and_repeat_nobody() {
    const STAYS: [&str; 7] = ["s1", "s2", "s3", "s4", "s5", "s6", "s7"];
    for limit in 1..=10 {
        let server = server();
        let mut client = Client::connect(&server).await;
        // Between any two that stay stands one that goes.
        for (number, id) in STAYS.iter().enumerate() {
            client.granted(register("chess", id)).await;
            client.granted(register("chess", &format!("g{number}"))).await;
        }
        let mut seen: Vec<String> = Vec::new();
        let mut at = None;
        for page_number in 0.. {
            let page = client.list(discover_page("chess", Some(limit), at)).await;
            assert!(page.register.len() <= limit as usize);
            seen.extend(ids(&page).into_iter().map(Into::into));
            at = cookie(&page);
            if at.is_none() {
                break;
            }
            assert_eq!(page.register.len(), limit as usize, "only the last page is not full");
            // One goes, wherever it stands; one that stays changes; one comes, but
            // not for ever.
            client.ask(2, unregister("chess", Some(&format!("g{}", (page_number * 3) % 7)))).await;
            client.granted(register("chess", &format!("n{}", page_number % 9))).await;
            client.granted(register_at("chess", STAYS[page_number % 7], &format!("{page_number}"))).await;
            assert!(page_number < 40, "the list has an end");
        }
        let staying: Vec<&String> = seen.iter().filter(|id| id.starts_with('s')).collect();
        assert_eq!(staying, STAYS, "limit {limit}: oldest first, each once");
        let mut distinct = seen.clone();
        distinct.sort();
        distinct.dedup();
        assert_eq!(distinct.len(), seen.len(), "limit {limit}: {seen:?}");
    }
}

#[tokio::test]
async fn a_list_is_oldest_first_and_names_the_asker_too() {
    let server = server();
    let (mut a, mut b) = (Client::connect(&server).await, Client::connect(&server).await);
    a.granted(register("chess", "z")).await;
    b.granted(register("chess", "m")).await;
    a.granted(register("chess", "a")).await;
    // An update does not make it younger.
    a.granted(register_at("chess", "z", "elsewhere")).await;
    for client in [&mut a, &mut b] {
        let list = client.granted(discover("chess")).await;
        assert_eq!((list.r#type(), ids(&list)), (MessageType::Register, vec!["z", "m", "a"]));
        assert_eq!(addresses(&list), ["elsewhere"]);
        assert_eq!(cookie(&list), None);
    }
}

#[tokio::test]
async fn a_wildcard_lists_what_is_below() {
    let server = server();
    let mut client = Client::connect(&server).await;
    for ns in ["chess", "chess/1", "chess/1/red", "chess/1.5", "chess/2", "chess-960/1", "go/1"] {
        client.granted(register(ns, "a")).await;
    }
    let below = ["chess/1", "chess/1/red", "chess/1.5", "chess/2"];
    for (pattern, mut expected) in [
        ("chess", vec!["chess"]),
        ("chess/*", vec!["chess/1", "chess/1.5", "chess/2"]),
        ("chess/**", below.to_vec()),
        ("chess/1/*", vec!["chess/1/red"]),
        ("chess/1/red/**", vec![]),
        ("nothing/**", vec![]),
    ] {
        for limit in [None, Some(1), Some(2)] {
            let all = client.pages(pattern, limit).await;
            let mut found: Vec<_> = all.register.iter().filter_map(|entry| entry.ns.as_deref()).collect();
            // The order of namespaces is the server's.
            found.sort();
            expected.sort_unstable();
            assert_eq!(found, expected, "{pattern} by {limit:?}");
        }
    }
}

#[tokio::test]
async fn an_empty_list_is_answered() {
    let server = server();
    let mut client = Client::connect(&server).await;
    for pattern in ["chess", "chess/*", "chess/**"] {
        let list = client.granted(discover(pattern)).await;
        assert_eq!((list.r#type(), list.register.len(), list.more), (MessageType::Register, 0, None));
        assert_eq!((list.discovery[0].ns.as_deref(), cookie(&list)), (Some(pattern), None));

        client.send([discover(pattern)]).await;
        assert_eq!(client.message().await, bare(MessageType::Register));
    }
}

#[tokio::test]
async fn a_cookie_that_is_not_of_this_list_is_refused() {
    let server = server();
    let mut client = Client::connect(&server).await;
    for ns in ["chess", "chess/1", "chess/2", "go"] {
        client.granted(register(ns, "a")).await;
        client.granted(register(ns, "b")).await;
    }
    let mut of = Vec::new();
    for pattern in ["chess", "chess/*", "chess/**", "go"] {
        let page = client.granted(discover_page(pattern, Some(1), None)).await;
        of.push((pattern, cookie(&page).expect("there is a second page")));
    }
    for (pattern, own) in &of {
        for (other, foreign) in of.iter().filter(|(other, _)| other != pattern) {
            let request = discover_page(pattern, None, Some(foreign.clone()));
            let refusal = client.refused(request, StatusCode::InvalidCookie).await;
            assert!(refusal.register.is_empty(), "a cookie of {other} for {pattern}");
        }
        client.granted(discover_page(pattern, None, Some(own.clone()))).await;
        let cut = own.slice(..own.len() - 1);
        let longer = Bytes::from([&own[..], b"\0"].concat());
        for broken in [cut, longer] {
            let answer = client.ask(1, discover_page(pattern, None, Some(broken))).await;
            assert!(matches!(code(&answer), StatusCode::InvalidCookie | StatusCode::Ok), "{answer:?}");
        }
    }
    // Random once; what matters is that they are nobody's.
    let ten = Bytes::from_static(b"\x8f\x02\xe1\x77\x10\xaa\x00\x39\xc4\x5d");
    let forty = Bytes::from([&ten[..]; 4].concat());
    for random in [ten, forty, Bytes::from_static(&[0; 10]), Bytes::from(vec![0xff; 4_096])] {
        client.refused(discover_page("chess", None, Some(random)), StatusCode::InvalidCookie).await;
    }
    client.silence().await;
}

#[tokio::test]
async fn a_cookie_outlives_everybody_on_its_list() {
    let server = server();
    let mut client = Client::connect(&server).await;
    for id in ["a", "b", "c"] {
        client.granted(register("chess", id)).await;
    }
    let page = client.granted(discover_page("chess", Some(2), None)).await;
    let at = cookie(&page);
    assert!(at.is_some());
    client.granted(unregister("chess", None)).await;
    let rest = client.granted(discover_page("chess", Some(2), at.clone())).await;
    assert_eq!((ids(&rest), cookie(&rest)), (vec![], None));

    // Who comes when the namespace is born again comes behind the cookie.
    client.granted(register("chess", "a")).await;
    let rest = client.granted(discover_page("chess", Some(2), at)).await;
    assert_eq!(ids(&rest), ["a"]);
}

#[tokio::test]
async fn a_client_of_the_seed_gets_everything_and_no_cookie() {
    let server = server_with(|options| options.limits.discover_page = 3);
    let mut client = Client::connect(&server).await;
    client.send([together((0..10).map(|number| register("chess", &format!("{number}"))))]).await;
    client.send([discover("chess")]).await;
    let list = client.message().await;
    assert_eq!(list.register.len(), 10);
    assert!(list.discovery.is_empty() && list.status.is_none() && list.request_id.is_none() && list.more.is_none());
    client.silence().await;
}
