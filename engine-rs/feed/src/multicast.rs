//! The sockets of a line: one group, one port.

use std::ffi::CString;
use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, UdpSocket};
use std::str::FromStr;

use socket2::{Domain, InterfaceIndexOrAddress, Protocol, SockAddr, Socket, Type};

use crate::sys::set_option;

/// What the kernel may keep for a reader that is busy: about two seconds of 20,000 packets a second.
const RECEIVE_BUFFER: usize = 8 << 20;
const SEND_BUFFER: usize = 4 << 20;

/// A line: where the packets go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Line {
    /// Multicast group.
    pub group: Ipv4Addr,
    /// UDP port.
    pub port: u16,
}

/// Text that is no line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not GROUP:PORT with a multicast group, like 239.1.1.1:30000")]
pub struct LineError(String);

impl FromStr for Line {
    type Err = LineError;

    fn from_str(text: &str) -> Result<Self, LineError> {
        let address = text.parse::<SocketAddrV4>().ok();
        let address = address.filter(|address| address.ip().is_multicast() && address.port() != 0);
        let address = address.ok_or_else(|| LineError(text.to_owned()))?;
        Ok(Self {
            group: *address.ip(),
            port: address.port(),
        })
    }
}

impl fmt::Display for Line {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.group, self.port)
    }
}

impl Line {
    /// Where to send.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        SocketAddr::V4(SocketAddrV4::new(self.group, self.port))
    }

    /// A socket that hears the line, on the named interface or on the one that the routes choose.
    ///
    /// # Errors
    /// The kernel's, or that there is no such interface.
    pub fn hear(&self, interface: Option<&str>) -> io::Result<UdpSocket> {
        let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
        socket.set_reuse_address(true)?;
        grow(
            &socket,
            libc::SO_RCVBUFFORCE,
            RECEIVE_BUFFER,
            Socket::set_recv_buffer_size,
        );
        // Bound to the group, so that other groups on the same port aren't heard.
        socket.bind(&SockAddr::from(self.address()))?;
        let index = interface.map_or(Ok(0), interface_index)?;
        socket.join_multicast_v4_n(&self.group, &InterfaceIndexOrAddress::Index(index))?;
        socket.set_nonblocking(true)?;
        Ok(socket.into())
    }
}

/// A socket that sends to any line through the named interface, or the one that the routes choose. It
/// never waits: a datagram that finds the card's queue full is lost like one lost on the way.
///
/// # Errors
/// The kernel's, or that there is no such interface.
pub fn sender(interface: Option<&str>, hops: u32) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
    socket.bind(&SockAddr::from(SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0)))?;
    socket.set_multicast_ttl_v4(hops)?;
    socket.set_multicast_loop_v4(true)?;
    grow(
        &socket,
        libc::SO_SNDBUFFORCE,
        SEND_BUFFER,
        Socket::set_send_buffer_size,
    );
    socket.set_nonblocking(true)?;
    if let Some(name) = interface {
        send_through(&socket, interface_index(name)?)?;
    }
    Ok(socket.into())
}

/// As large as asked where this process may, else as large as the system allows.
fn grow(
    socket: &Socket,
    force: libc::c_int,
    bytes: usize,
    ask: fn(&Socket, usize) -> io::Result<()>,
) {
    let wanted = libc::c_int::try_from(bytes).unwrap_or(libc::c_int::MAX);
    let forced = set_option(socket, libc::SOL_SOCKET, force, &wanted);
    if forced.is_err() {
        // A smaller buffer loses more packets under bursts, which the recovery channel makes good.
        let _ = ask(socket, bytes);
    }
}

fn send_through(socket: &Socket, index: u32) -> io::Result<()> {
    let request = libc::ip_mreqn {
        imr_multiaddr: libc::in_addr { s_addr: 0 },
        imr_address: libc::in_addr { s_addr: 0 },
        imr_ifindex: libc::c_int::try_from(index).unwrap_or(0),
    };
    set_option(socket, libc::IPPROTO_IP, libc::IP_MULTICAST_IF, &request)
}

fn interface_index(name: &str) -> io::Result<u32> {
    let text = CString::new(name).map_err(|_| io::ErrorKind::InvalidInput)?;
    // SAFETY: reads a string that ends in a zero.
    match unsafe { libc::if_nametoindex(text.as_ptr()) } {
        0 => Err(io::Error::new(
            io::ErrorKind::NotFound,
            format!("there is no network interface {name}; `ip -brief link` lists them"),
        )),
        index => Ok(index),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_group_and_a_port() {
        let line: Line = "239.1.1.1:30000".parse().expect("a line");
        assert_eq!(line.to_string(), "239.1.1.1:30000");
        for wrong in [
            "10.0.0.1:30000",
            "239.1.1.1",
            "239.1.1.1:0",
            "239.1.1.1:70000",
            "",
        ] {
            assert_eq!(wrong.parse::<Line>(), Err(LineError(wrong.to_owned())));
        }
    }

    #[test]
    fn an_interface_that_does_not_exist_is_named() {
        let error = sender(Some("nothing0"), 1).expect_err("no such interface");
        assert!(error.to_string().contains("nothing0"), "{error}");
    }

    #[test]
    fn what_is_sent_to_a_line_is_heard_on_it_alone() {
        let line: Line = "239.255.7.1:31977".parse().expect("a line");
        let other = Line {
            group: Ipv4Addr::new(239, 255, 7, 2),
            ..line
        };
        let (here, there) = (
            line.hear(Some("lo")).expect("joined"),
            other.hear(Some("lo")).expect("joined"),
        );
        sender(Some("lo"), 1)
            .expect("a sender")
            .send_to(b"abc", line.address())
            .expect("sent");
        let mut buffer = [0; 8];
        let here = [here];
        crate::sys::wait_readable(&here, std::time::Duration::from_secs(20)).expect("a poll");
        let [here] = here;
        assert_eq!(crate::receive(&here, &mut buffer).expect("heard").0, 3);
        assert!(crate::receive(&there, &mut buffer).is_err());
    }
}
