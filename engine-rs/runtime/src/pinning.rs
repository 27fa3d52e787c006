//! Which CPUs a thread may run on.

use std::mem;

use crate::error::StartError;

/// Of threads for which nobody waits: a third of an equal share while others want the CPU.
const BACKGROUND_NICENESS: i32 = 5;

/// The CPUs of the calling thread, read back from the kernel.
pub fn allowed_cpus() -> Vec<usize> {
    // SAFETY: an all-zero cpu_set_t is an empty set, and the kernel writes at most its size.
    let set = unsafe {
        let mut set: libc::cpu_set_t = mem::zeroed();
        if libc::sched_getaffinity(0, mem::size_of_val(&set), &raw mut set) != 0 {
            return Vec::new();
        }
        set
    };
    let count = usize::try_from(libc::CPU_SETSIZE).unwrap_or(0);
    // SAFETY: every index is below CPU_SETSIZE.
    (0..count)
        .filter(|&cpu| unsafe { libc::CPU_ISSET(cpu, &set) })
        .collect()
}

/// Keeps the calling thread, and the threads it will start, on these CPUs.
pub fn run_on(cpus: &[usize]) -> std::io::Result<()> {
    // SAFETY: the set is ours, and every index given is checked against its size.
    let result = unsafe {
        let mut set: libc::cpu_set_t = mem::zeroed();
        for &cpu in cpus
            .iter()
            .filter(|&&cpu| cpu < usize::try_from(libc::CPU_SETSIZE).unwrap_or(0))
        {
            libc::CPU_SET(cpu, &mut set);
        }
        libc::sched_setaffinity(0, mem::size_of_val(&set), &raw const set)
    };
    if result == 0 {
        Ok(())
    } else {
        Err(std::io::Error::last_os_error())
    }
}

/// Lets others go before the calling thread, if the engine's threads are `alone` on their CPUs.
pub fn stand_back(alone: bool) {
    if alone {
        // SAFETY: changes a number of the calling thread; raising it needs no privilege.
        unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, BACKGROUND_NICENESS) };
    }
}

/// How the threads share out the process's CPUs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The match thread's.
    pub matching: Vec<usize>,
    /// All others'.
    pub others: Vec<usize>,
}

/// The match thread gets `cpu`, the others the rest, if there is one.
pub fn plan(allowed: &[usize], cpu: Option<usize>) -> Result<Plan, StartError> {
    let Some(cpu) = cpu else {
        return Ok(Plan {
            matching: allowed.to_vec(),
            others: allowed.to_vec(),
        });
    };
    if !allowed.contains(&cpu) {
        return Err(StartError::Cpu {
            cpu,
            allowed: allowed.to_vec(),
        });
    }
    let mut others: Vec<usize> = allowed
        .iter()
        .copied()
        .filter(|&other| other != cpu)
        .collect();
    if others.is_empty() {
        others = vec![cpu];
    }
    Ok(Plan {
        matching: vec![cpu],
        others,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_match_thread_gets_its_cpu_and_the_others_the_rest() {
        let plan = plan(&[2, 3, 5], Some(3)).expect("3 is allowed");
        assert_eq!(
            plan,
            Plan {
                matching: vec![3],
                others: vec![2, 5]
            }
        );
    }

    #[test]
    fn a_single_cpu_is_shared() {
        let plan = plan(&[4], Some(4)).expect("4 is allowed");
        assert_eq!(
            plan,
            Plan {
                matching: vec![4],
                others: vec![4]
            }
        );
    }

    #[test]
    fn a_foreign_cpu_is_refused_by_name() {
        let error = plan(&[0, 1], Some(7)).expect_err("7 is not allowed");
        assert_eq!(
            error.to_string(),
            "CPU 7 is not among the CPUs [0, 1] that this process may use"
        );
    }

    #[test]
    fn a_pinned_thread_reads_its_cpu_back() {
        let first = allowed_cpus()[0];
        let read = std::thread::spawn(move || run_on(&[first]).map(|()| allowed_cpus())).join();
        assert_eq!(read.expect("no panic").expect("may be pinned"), [first]);
    }
}
