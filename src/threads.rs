//! How threads share the processors: who looks gives way to who carries traffic.

use thread_priority::unix::{
    NormalThreadSchedulePolicy, ThreadSchedulePolicy, set_thread_priority_and_policy,
    thread_native_id,
};
use thread_priority::{ThreadPriority, ThreadPriorityValue};

/// From 0 to 99, as `thread_priority` counts: the nice value 10. Beside a thread that never rests, one that gives way
/// still gets about a tenth of a processor.
const PRIORITY: u8 = 22;

/// Puts the calling thread behind those that relay, wherever there is not enough for both: the view of the traffic must
/// not hold up the traffic.
pub(crate) fn give_way() {
    let Ok(priority) = ThreadPriorityValue::try_from(PRIORITY) else {
        return;
    };
    let lowered = set_thread_priority_and_policy(
        thread_native_id(),
        ThreadPriority::Crossplatform(priority),
        ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Other),
    );
    if let Err(error) = lowered {
        tracing::debug!(?error, "a thread keeps its usual priority");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_gives_way_is_nicer_than_others() {
        let nice = || {
            let stat = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
            // The name in parentheses is the second field, the nice value the 19th.
            let (_, after_name) = stat.rsplit_once(')').unwrap();
            after_name
                .split_whitespace()
                .nth(16)
                .unwrap()
                .parse::<i32>()
                .unwrap()
        };
        let before = nice();
        let after = std::thread::spawn(move || {
            give_way();
            nice()
        });
        assert!(after.join().unwrap() >= 10);
        assert_eq!(nice(), before);
    }
}
