//! Which core a thread or a process runs on.

use nix::sched::{CpuSet, sched_setaffinity};
use nix::unistd::Pid;

/// Pins the calling thread, and the threads and processes that it makes from now on, to a core. Without so many
/// cores it does nothing, and the figures are those of a machine that shares.
pub fn pin(core: usize) {
    set_affinity(Pid::from_raw(0), &[core]);
}

/// Lets the calling thread, and the threads and processes that it makes from now on, run anywhere.
pub fn unpin() {
    unpin_process(Pid::from_raw(0));
}

/// Pins a process, and those that it makes from now on, to a core.
pub fn pin_process(process: Pid, core: usize) {
    set_affinity(process, &[core]);
}

/// Lets a process, and those that it makes from now on, run anywhere.
pub fn unpin_process(process: Pid) {
    let all: Vec<usize> = (0..CpuSet::count()).collect();
    set_affinity(process, &all);
}

fn set_affinity(process: Pid, cores: &[usize]) {
    let mut set = CpuSet::new();
    let known = cores.iter().all(|core| set.set(*core).is_ok());
    if !known || sched_setaffinity(process, &set).is_err() {
        eprintln!("cannot pin to core {cores:?}");
    }
}
