//! REGISTER that is to happen only if the peer is there already.

use crate::script::story;

#[test]
fn who_is_there_is_updated() {
    story(
        "
        ada> register chess/a ttl=30s
          ada: granted ada ttl=30s
        eve> watch chess/a
          eve: here: ada
        ada> renew chess/a ttl=60s
          ada: granted ada ttl=60s
          = 0 changes
        ada> renew chess/a .colour=red
          ada: granted ada .colour=red
          eve: chess/a + ada .colour=red
          = 1 change
        ",
    );
}

#[test]
fn who_is_not_there_does_not_come() {
    story(
        "
        eve> watch chess/*
          eve: here: none
        ada> renew chess/a
          ada: NOT_FOUND
        bob> register chess/a
          bob: granted bob
          eve: chess/a + bob
        ada> renew chess/a ttl=30s
          ada: NOT_FOUND
        ada> register chess/a
          ada: granted ada
          eve: chess/a + ada
        ada> renew chess/a as=ada2
          ada: NOT_FOUND
        ada> renew chess/a as=bob
          ada: NOT_FOUND
        ada> leave chess/a
          ada: ok
          eve: chess/a - ada UNREGISTERED
        ada> renew chess/a
          ada: NOT_FOUND
        eve> list chess/*
          eve: page: chess/a bob
        ",
    );
}

#[test]
fn who_came_without_an_id_is_renewed_without_one() {
    story(
        "
        ada> renew chess/a as=
          ada: NOT_FOUND
        ada> register chess/a as=ada
          ada: granted ada
        ada> renew chess/a as=
          ada: NOT_FOUND
        ada> register chess/a as=
          ada: granted ANON
        ada> renew chess/a as= .colour=red
          ada: granted ANON .colour=red
        ada> renew chess/a as=ANON
          ada: granted ANON
        ",
    );
}

#[test]
fn an_owner_renews_with_its_settings() {
    story(
        "
        ada> register chess/a game capacity=2
          ada: granted ada; chess/a 1/2 ada#1
        ada> renew chess/a game capacity=3
          ada: granted ada; chess/a 1/3 ada#1
        bob> register chess/a
          bob: granted bob; chess/a 2/3 ada#1
        bob> renew chess/a game capacity=4
          bob: NOT_OWNER
        // Nor does a game begin.
        bob> renew chess/b game
          bob: NOT_FOUND
        bob> games chess/*
          bob: page: chess/a 2/3 ada#1
        ",
    );
}

#[test]
fn nothing_is_taken_over_by_a_renewal() {
    story(
        "
        ada> hello key=k1
        ada> register chess/a ttl=30s
          ada: granted ada ttl=30s
        ada> gone
        ada2> hello key=k1
        ada2> renew chess/a as=ada ttl=30s
          ada2: NOT_FOUND
        ada2> list chess/a
          ada2: page: ada AWAY
        ",
    );
}

#[test]
fn who_comes_back_learns_by_renewing_what_it_still_has() {
    story(
        "
        bob> register chess/a game capacity=9
          bob: granted bob; chess/a 1/9 bob#1
        bob> register chess/b game capacity=9
          bob: granted bob; chess/b 1/9 bob#1
        bob> register chess/c game capacity=9
          bob: granted bob; chess/c 1/9 bob#1
        ada> register chess/a ttl=30s
          ada: granted ada ttl=30s; chess/a 2/9 bob#1
        ada> register chess/b ttl=30s
          ada: granted ada ttl=30s; chess/b 2/9 bob#1
        ada> register chess/c ttl=30s
          ada: granted ada ttl=30s; chess/c 2/9 bob#1
        ada> gone
        bob> kick chess/a ada
          bob: ok
        bob> ban chess/b ada
          bob: ok
        ada> resume
          ada: chess/a - ada KICKED
          ada: chess/b - ada KICKED
        ada> renew chess/a ttl=30s
          ada: NOT_FOUND
        ada> renew chess/c ttl=30s
          ada: granted ada ttl=30s; chess/c 2/9 bob#1
        // It may say so itself that it wants to come again, where it is not banned.
        ada> register chess/a
          ada: granted ada; chess/a 2/9 bob#1
        ada> register chess/b
          ada: BANNED
        ",
    );
}

#[test]
fn a_banned_peer_is_not_found_either() {
    story(
        "
        bob> register chess/a game
          bob: granted bob; chess/a 1/0 bob#1
        ada> register chess/a
          ada: granted ada; chess/a 2/0 bob#1
        bob> ban chess/a ada
          bob: ok
          ada: chess/a - ada KICKED
        ada> renew chess/a
          ada: NOT_FOUND
        ",
    );
}

#[test]
fn a_renewal_of_a_member_needs_no_secret_and_no_seat() {
    story(
        "
        bob> register chess/a game capacity=2 secret=xyz app=1.4
          bob: granted bob; chess/a 1/2 bob#1 needs_secret app=1.4
        ada> register chess/a secret=xyz app=1.4 ttl=30s
          ada: granted ada ttl=30s; chess/a 2/2 bob#1 needs_secret app=1.4
        ada> gone
        ada> resume
        ada> renew chess/a ttl=30s
          ada: granted ada ttl=30s; chess/a 2/2 bob#1 needs_secret app=1.4
        ",
    );
}
