use super::*;
use foregather::{
    client::{AppVersion, Attributes, Namespace, OwnerPolicy, PeerId},
    limits::Limits,
};

pub(super) fn a_game(ns: &str, owner: Option<&str>) -> Game {
    let owner = owner.map(|owner| PeerId::parse(owner, &Limits::default()).expect("it is legal"));
    Game {
        ns: Namespace::parse(ns).expect("it is legal"),
        owner,
        capacity: 4,
        members: 2,
        locked: false,
        listed: true,
        app_version: AppVersion::default(),
        attributes: Arc::default(),
        owner_policy: OwnerPolicy::Oldest,
        term: 1,
        version: 1,
        needs_secret: false,
    }
}

#[test]
fn a_table_has_a_row_for_each_game() {
    let attributes: Attributes = [("mode".to_owned(), "blitz".to_owned()), ("map".into(), "a\u{1b}[2J".into())].into();
    let games = [
        Game {
            app_version: AppVersion::parse("1.4").expect("it is short"),
            attributes: Arc::new(attributes),
            ..a_game("chess/KPQR", Some("ada"))
        },
        Game { capacity: 0, locked: true, needs_secret: true, ..a_game("chess/x", None) },
        Game { members: 4, needs_secret: true, ..a_game("chess/y", Some("é")) },
        Game { locked: true, ..a_game("chess/z", Some("b")) },
    ];
    assert_eq!(
        table(&games.map(Arc::new)),
        [
            "NAMESPACE   SEATS  OWNER  VERSION  LOCK           ATTRIBUTES",
            "chess/KPQR  2/4    ada    1.4      open           map=a\\u{1b}[2J mode=blitz",
            "chess/x     2      -      -        locked+secret",
            "chess/y     4/4    é      -        secret",
            "chess/z     2/4    b      -        locked",
        ]
    );
}
