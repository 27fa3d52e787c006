//! Keeps the process on one CPU.

use std::{io, mem};

/// Pins the calling thread, and what it will start, to one CPU.
pub fn to_cpu(cpu: usize) -> io::Result<()> {
    // SAFETY: an all-zero set is an empty one; CPU_SET checks its index against the set's size.
    let result = unsafe {
        let mut set: libc::cpu_set_t = mem::zeroed();
        libc::CPU_SET(cpu, &mut set);
        libc::sched_setaffinity(0, mem::size_of_val(&set), &raw const set)
    };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}
