//! What the kernel is asked that no library has a call for.

use std::io;
use std::net::UdpSocket;
use std::os::fd::AsRawFd;
use std::time::Duration;

use libc::c_int;

/// Sets an option whose value is a plain number or structure of the kernel's layout.
pub fn set_option<T: Copy>(
    socket: &impl AsRawFd,
    level: c_int,
    name: c_int,
    value: &T,
) -> io::Result<()> {
    let length = libc::socklen_t::try_from(size_of::<T>()).unwrap_or(0);
    // SAFETY: the kernel reads `length` bytes of a live `T`, and takes no other length than the option's.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            level,
            name,
            std::ptr::from_ref(value).cast(),
            length,
        )
    };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// Waits until one of the sockets has something to read, or the time has passed.
///
/// # Errors
/// The kernel's; a signal is none.
pub fn wait_readable(sockets: &[UdpSocket], limit: Duration) -> io::Result<()> {
    let asked = |socket: &UdpSocket| libc::pollfd {
        fd: socket.as_raw_fd(),
        events: libc::POLLIN,
        revents: 0,
    };
    let mut asked: Vec<_> = sockets.iter().map(asked).collect();
    // Rounded up, so that a caller with a little time left does not spin through it.
    let millis = c_int::try_from(limit.as_nanos().div_ceil(1_000_000)).unwrap_or(c_int::MAX);
    let count = libc::nfds_t::try_from(asked.len()).unwrap_or(0);
    // SAFETY: the kernel reads and writes `count` entries of a live vector.
    if unsafe { libc::poll(asked.as_mut_ptr(), count, millis) } >= 0 {
        return Ok(());
    }
    match io::Error::last_os_error() {
        error if error.kind() == io::ErrorKind::Interrupted => Ok(()),
        error => Err(error),
    }
}
