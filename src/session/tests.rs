use std::collections::{HashMap, HashSet};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use proptest::prelude::*;

use super::*;

fn listener() -> Arc<Listener> {
    let service = Arc::new(Service::new("catalog", "catalog"));
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 5433));
    Arc::new(Listener::new("sql", &service, "postgresql", address))
}

fn remote(port: u16) -> Remote {
    Remote::Tcp(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
}

#[test]
fn ids_start_at_1_and_a_wrap_skips_live_ones() {
    let registry = Registry::with_id_max(4);
    let listener = listener();
    let register = || registry.register(&listener, remote(1));
    let one = register().unwrap();
    let two = register().unwrap();
    let three = register().unwrap();
    assert_eq!([&one, &two, &three].map(|s| s.id().get()), [1, 2, 3]);
    drop(two);
    assert_eq!(register().unwrap().id().get(), 4);
    let second = register().unwrap();
    assert_eq!(second.id().get(), 2);
    let fourth = register().unwrap();
    assert_eq!(fourth.id().get(), 4);
    assert!(register().is_err());
    assert_eq!(registry.len(), 4);
}

#[test]
fn a_session_ends_with_its_guard() {
    let registry = Registry::new();
    let listener = listener();
    let guard = registry.register(&listener, remote(7)).unwrap();
    let session = Arc::clone(guard.session());
    guard.update(|profile| profile.user = Some("maxuser".into()));
    guard.received(3);
    let membership = registry.membership();
    assert_eq!(membership.len(), 1);
    assert!(registry.get(session.id()).is_some());
    let profile = registry.profile(&session).unwrap();
    assert_eq!(profile.user.as_deref(), Some("maxuser"));
    drop(guard);

    assert!(session.is_ended());
    assert!(registry.get(session.id()).is_none());
    assert!(registry.profile(&session).is_none());
    assert!(registry.membership().is_empty());
    assert_eq!(listener.service.sessions.current(), 0);
    assert_eq!(listener.service.sessions.total(), 1);
    assert_eq!(listener.service.sessions.max(), 1);

    // The slot's next session does not show through the old membership.
    let next = registry.register(&listener, remote(8)).unwrap();
    next.received(100);
    let row = membership.find(&session).unwrap();
    assert_eq!(row.session.id(), session.id());
    assert_eq!(session.live().bytes_in, 3);
    assert_eq!(session.live().state, State::Stopping);
    assert!(membership.find(next.session()).is_none());
}

#[test]
fn a_kill_is_told_once_and_shows_at_once() {
    let registry = Registry::new();
    let guard = registry.register(&listener(), remote(7)).unwrap();
    guard.advance(State::Routing);
    assert!(!guard.is_killed());
    assert!(guard.session().kill(KillReason::Administrator));
    assert!(!guard.session().kill(KillReason::Shutdown));
    assert!(guard.is_killed());
    assert_eq!(guard.kill_reason(), Some(KillReason::Administrator));
    assert_eq!(guard.live().state, State::Stopping);
    guard.advance(State::Routing);
    assert_eq!(guard.live().state, State::Stopping);
    let session = Arc::clone(guard.session());
    drop(guard);
    assert!(!session.kill(KillReason::Administrator));
}

#[test]
fn a_running_statement_is_not_idle() {
    let registry = Registry::new();
    let guard = registry.register(&listener(), remote(7)).unwrap();
    let later = monotonic_ms() + 5_000;
    assert!(guard.live().idle_s(later) >= 4.9);
    guard.statement_started();
    assert_eq!(guard.live().idle_s(later), 0.0);
    guard.statement_ended();
    assert_eq!(guard.live().statements, 1);
    assert!(guard.live().idle_s(later) >= 4.9);
}

#[test]
fn a_transaction_begins_with_its_first_statement_and_keeps_its_moment() {
    let registry = Registry::new();
    let guard = registry.register(&listener(), remote(7)).unwrap();
    assert_eq!(guard.live().last_statement_ms, None);
    guard.statement_started();
    guard.set_transaction(Transaction::Open);
    let began = guard.live().statement_started_ms;
    guard.statement_ended();
    assert!(began.is_some());
    assert_eq!(guard.live().last_statement_ms, began);
    guard.statement_started();
    guard.set_transaction(Transaction::Failed);
    guard.statement_ended();
    let live = guard.live();
    assert_eq!(live.transaction, Transaction::Failed);
    assert!(live.in_transaction());
    assert_eq!(live.transaction_started_ms, began);
    assert_eq!(live.statement_started_ms, None);
    // A copy says the same.
    assert_eq!(Line::from(live).values(), live);
    assert_eq!(Line::from(live).copied().values(), live);
    guard.set_transaction(Transaction::None);
    assert!(!guard.live().in_transaction());
    assert_eq!(guard.live().transaction_started_ms, None);
}

#[test]
fn a_line_is_a_cache_line() {
    assert_eq!(size_of::<Line>(), 64);
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Register,
    Touch(usize),
    Rename(usize),
    Kill(usize),
    Drop(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => Just(Step::Register),
        4 => (0usize..64).prop_map(Step::Touch),
        1 => (0usize..64).prop_map(Step::Rename),
        1 => (0usize..64).prop_map(Step::Kill),
        3 => (0usize..64).prop_map(Step::Drop),
    ];
    proptest::collection::vec(step, 1..400)
}

/// Carries out the steps. A session of id `n` has the user `un` and receives bytes in multiples of `n`, so a row
/// that mixed two sessions would show.
fn carry_out(
    registry: &Arc<Registry>,
    listener: &Arc<Listener>,
    steps: &[Step],
    ended: &Mutex<HashSet<SessionId>>,
) {
    let mut held: Vec<SessionGuard> = Vec::new();
    let name = |guard: &SessionGuard| {
        let user: Arc<str> = format!("u{}", guard.id()).into();
        guard.update(|profile| profile.user = Some(user));
    };
    for step in steps {
        let pick = |at: usize, held: &[SessionGuard]| (!held.is_empty()).then(|| at % held.len());
        match *step {
            Step::Register => held.push(registry.register(listener, remote(9)).unwrap()),
            Step::Touch(at) => {
                if let Some(at) = pick(at, &held) {
                    held[at].received(u64::from(held[at].id().get()));
                }
            }
            Step::Rename(at) => {
                if let Some(at) = pick(at, &held) {
                    name(&held[at]);
                }
            }
            Step::Kill(at) => {
                if let Some(at) = pick(at, &held) {
                    held[at].session().kill(KillReason::Administrator);
                }
            }
            Step::Drop(at) => {
                if let Some(at) = pick(at, &held) {
                    let guard = held.swap_remove(at);
                    let id = guard.id();
                    drop(guard);
                    ended.lock().insert(id);
                }
            }
        }
    }
}

/// Reads everything once and checks what must hold of any reading.
fn scan(registry: &Registry, residents: &HashSet<SessionId>, ended: &Mutex<HashSet<SessionId>>) {
    let dead = ended.lock().clone();
    let membership = registry.membership();
    let mut seen: HashMap<SessionId, u64> = HashMap::new();
    for image in membership.images() {
        let values = image.gather(Line::values);
        assert_eq!(values.len(), image.len());
        assert_eq!(values.len(), image.rows().count());
        for (row, live) in image.rows().zip(&values) {
            let id = row.session.id();
            assert!(!dead.contains(&id), "session {id} had ended");
            assert_eq!(live.bytes_in % u64::from(id.get()), 0, "row {id} is mixed");
            let user = row.profile.user.as_deref();
            assert!(user.is_none_or(|user| user == format!("u{id}")));
            assert!(
                seen.insert(id, live.bytes_in).is_none(),
                "row {id} came twice"
            );
            let found = membership.find(row.session).unwrap();
            assert!(Arc::ptr_eq(found.session, row.session) && found.slot == row.slot);
        }
    }
    assert_eq!(seen.len(), membership.len());
    for id in residents {
        assert!(seen.contains_key(id), "session {id} lived throughout");
    }
    // The same membership, read again, has the same rows and never smaller values.
    for image in membership.images() {
        for (row, bytes_in) in image.rows().zip(image.gather(Line::bytes_in)) {
            assert!(bytes_in >= seen[&row.session.id()]);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn any_interleaving_reads_whole_live_rows_once(
        first in steps(), second in steps(), third in steps(), resident_count in 0usize..40,
    ) {
        let registry = Registry::new();
        let listener = listener();
        let residents: Vec<SessionGuard> = (0..resident_count)
            .map(|_| registry.register(&listener, remote(1)).unwrap())
            .collect();
        let resident_ids: HashSet<SessionId> = residents.iter().map(|guard| guard.id()).collect();
        let ended = Mutex::new(HashSet::new());
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let readers: Vec<_> = (0..2)
                .map(|_| {
                    scope.spawn(|| {
                        while !done.load(Ordering::Acquire) {
                            scan(&registry, &resident_ids, &ended);
                        }
                        scan(&registry, &resident_ids, &ended);
                    })
                })
                .collect();
            let writers: Vec<_> = [&first, &second, &third]
                .map(|steps| scope.spawn(|| carry_out(&registry, &listener, steps, &ended)))
                .into_iter()
                .collect();
            let written: Vec<_> = writers.into_iter().map(|writer| writer.join()).collect();
            done.store(true, Ordering::Release);
            for outcome in written.into_iter().chain(readers.into_iter().map(|r| r.join())) {
                outcome.expect("a thread failed");
            }
        });
        prop_assert_eq!(registry.len(), resident_count);
        prop_assert_eq!(registry.membership().len(), resident_count);
        prop_assert_eq!(listener.service.sessions.current(), resident_count as u64);
        drop(residents);
        prop_assert!(registry.is_empty());
        prop_assert_eq!(listener.service.sessions.current(), 0);
    }
}

#[test]
fn more_sessions_than_a_chunk_holds() {
    let registry = Registry::new();
    let listener = listener();
    let mut guards: Vec<SessionGuard> = (0..CHUNK_ROWS * 2 + 5)
        .map(|_| registry.register(&listener, remote(1)).unwrap())
        .collect();
    let membership = registry.membership();
    assert_eq!(membership.images().len(), 3);
    assert_eq!(membership.len(), CHUNK_ROWS * 2 + 5);
    guards.truncate(3);
    assert_eq!(registry.membership().images().len(), 1);
    assert_eq!(registry.membership().len(), 3);
    // Freed slots are taken again before any chunk is added.
    let refill: Vec<SessionGuard> = (0..CHUNK_ROWS * 3 - 3)
        .map(|_| registry.register(&listener, remote(1)).unwrap())
        .collect();
    assert_eq!(registry.membership().images().len(), 3);
    assert_eq!(refill.len() + guards.len(), registry.len());
}

/// What an image's rows were at the time, to be compared with.
type Told = Vec<(SessionId, Option<Arc<str>>)>;

fn told(image: &ChunkImage) -> Told {
    let rows = image.rows();
    rows.map(|row| (row.session.id(), row.profile.user.clone()))
        .collect()
}

/// The rows of `image`, as its runs from another image tell them.
fn followed(image: &ChunkImage, other: &RowVersions, before: &Told) -> Option<Told> {
    let mut rows = Told::new();
    for run in image.runs_from(other)? {
        match run {
            Run::Same(same) => rows.extend_from_slice(&before[same]),
            Run::New(slot) => {
                let row = image.at(slot).unwrap();
                rows.push((row.session.id(), row.profile.user.clone()));
            }
        }
    }
    Some(rows)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Images stay what they were, and each follows from each other one, the older from the newer as well.
    #[test]
    fn the_rows_of_an_image_follow_from_those_of_another(
        resident_count in 1usize..300, rounds in proptest::collection::vec(steps(), 1..6),
    ) {
        let registry = Registry::new();
        let listener = listener();
        let mut held: Vec<SessionGuard> = (0..resident_count)
            .map(|_| registry.register(&listener, remote(1)).unwrap())
            .collect();
        let mut images: Vec<(Arc<ChunkImage>, Told)> = Vec::new();
        let mut users = 0;
        for steps in rounds {
            for step in steps {
                let at = match step {
                    Step::Touch(at) | Step::Rename(at) | Step::Kill(at) | Step::Drop(at) => at,
                    Step::Register => 0,
                } * 7 % held.len();
                match step {
                    Step::Register => held.push(registry.register(&listener, remote(1)).unwrap()),
                    Step::Rename(_) => {
                        users += 1;
                        held[at].update(|profile| profile.user = Some(format!("u{users}").into()));
                    }
                    Step::Drop(_) if held.len() > 1 => drop(held.swap_remove(at)),
                    _ => held[at].touch(),
                }
            }
            let membership = registry.membership();
            let image = Arc::clone(&membership.images()[0]);
            let now = told(&image);
            prop_assert_eq!(image.len(), now.len());
            images.push((image, now));
        }
        for (image, now) in &images {
            prop_assert_eq!(&told(image), now);
            for (other, before) in &images {
                let rows = followed(image, other.versions(), before);
                prop_assert!(rows.is_none_or(|rows| rows == *now));
            }
            let same = followed(image, image.versions(), now);
            prop_assert_eq!(same.as_ref(), Some(now));
        }
    }
}

#[test]
fn what_was_derived_lasts_through_some_changes_and_not_through_many() {
    let registry = Registry::new();
    let listener = listener();
    let mut guards: Vec<SessionGuard> = (0..100)
        .map(|_| registry.register(&listener, remote(1)).unwrap())
        .collect();
    let derived = || registry.membership().images()[0].derived::<AtomicBool>();
    derived().unwrap().store(true, Ordering::Relaxed);
    let is_kept = || derived().unwrap().load(Ordering::Relaxed);
    guards.truncate(50);
    assert!(is_kept());
    for _ in 0..CHUNK_ROWS {
        guards[0].update(|profile| profile.user = Some("u".into()));
    }
    assert!(is_kept());
    for _ in 0..CHUNK_ROWS + 1 {
        guards[0].update(|profile| profile.user = Some("u".into()));
    }
    assert!(!is_kept());
    derived().unwrap().store(true, Ordering::Relaxed);
    guards.clear();
    guards.push(registry.register(&listener, remote(1)).unwrap());
    assert!(!is_kept());
    let other: Option<Arc<String>> = registry.membership().images()[0].derived();
    assert!(other.is_none());
}
