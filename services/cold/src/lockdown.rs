//! What the program takes from itself before it reads anything: sockets, and a memory that others read.
//!
//! Programs that it starts (`ffmpeg`, for cameras and videos) inherit the first.

use std::collections::BTreeMap;

use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, TargetArch};

use crate::{ColdError, Result};

/// Calls that make a socket, or that could stand in for one; whoever makes one is killed.
/// `io_uring` opens sockets without the call of that name; the others reach into other processes.
const FORBIDDEN: [libc::c_long; 6] = [
    libc::SYS_socket,
    libc::SYS_io_uring_setup,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_pidfd_getfd,
];

/// From here on no socket can be made, no core is dumped and no debugger attaches.
///
/// # Errors
/// [`ColdError::System`] when the kernel refuses: the program must not go on then.
pub fn lock_down() -> Result<()> {
    set_dumpable_behavior(DumpableBehavior::NotDumpable)
        .map_err(|error| ColdError::System(format!("core dumps can't be forbidden: {error}")))?;
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    setrlimit(Resource::Core, none)
        .map_err(|error| ColdError::System(format!("core dumps can't be forbidden: {error}")))?;
    forbid_sockets()
        .map_err(|error| ColdError::System(format!("sockets can't be forbidden: {error}")))
}

fn forbid_sockets() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let rules: BTreeMap<i64, _> = FORBIDDEN.iter().map(|&call| (call, Vec::new())).collect();
    let filter = SeccompFilter::new(
        rules,
        SeccompAction::Allow,
        SeccompAction::KillProcess,
        TargetArch::try_from(std::env::consts::ARCH)?,
    )?;
    let program: BpfProgram = filter.try_into()?;
    seccompiler::apply_filter(&program)?;
    Ok(())
}
