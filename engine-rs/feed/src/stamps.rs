//! `SO_TIMESTAMPING`: when a datagram arrived or left, by the network card's own clock where it has
//! one, else by the kernel's.

use std::io;
use std::mem;
use std::net::UdpSocket;
use std::os::fd::AsRawFd;

use libc::{c_int, c_void};

use crate::sys::set_option;

/// Who stamps the datagrams of an interface.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StampClock {
    /// The kernel, in software.
    #[default]
    Software,
    /// The network card: the number of its clock, `/dev/ptp{n}`.
    Hardware(u32),
}

/// When a datagram arrived or left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Unix nanoseconds by the kernel's clock, or the card's own count, which is Unix time only where
    /// something (`phc2sys`) keeps it so.
    pub nanos: i64,
    /// By the card.
    pub hardware: bool,
}

const SIOCETHTOOL: libc::c_ulong = 0x8946;
const SIOCSHWTSTAMP: libc::c_ulong = 0x89b0;
const ETHTOOL_GET_TS_INFO: u32 = 0x41;
const HWTSTAMP_TX_ON: c_int = 1;
const HWTSTAMP_FILTER_ALL: c_int = 1;

/// `struct ethtool_ts_info`.
#[repr(C)]
#[derive(Default)]
struct TsInfo {
    cmd: u32,
    so_timestamping: u32,
    phc_index: i32,
    tx_types: u32,
    tx_reserved: [u32; 3],
    rx_filters: u32,
    rx_reserved: [u32; 3],
}

/// `struct hwtstamp_config`.
#[repr(C)]
struct HwConfig {
    flags: c_int,
    tx_type: c_int,
    rx_filter: c_int,
}

/// `struct ifreq` with the member that both calls use.
#[repr(C)]
struct IfRequest {
    name: [u8; libc::IFNAMSIZ],
    data: *mut c_void,
    rest: [u8; 16],
}

/// What the card of an interface can stamp, after switching its stamping on, which takes
/// `CAP_NET_ADMIN` unless `hwstamp_ctl` did it before. Whatever fails leaves the kernel's stamps.
#[must_use]
pub fn stamp_clock(socket: &UdpSocket, interface: &str) -> StampClock {
    let wanted = libc::SOF_TIMESTAMPING_TX_HARDWARE | libc::SOF_TIMESTAMPING_RAW_HARDWARE;
    let mut info = TsInfo {
        cmd: ETHTOOL_GET_TS_INFO,
        ..TsInfo::default()
    };
    let info_at = (&raw mut info).cast();
    if !ask(socket, interface, SIOCETHTOOL, info_at) || info.so_timestamping & wanted != wanted {
        return StampClock::Software;
    }
    let Ok(clock) = u32::try_from(info.phc_index) else {
        return StampClock::Software;
    };
    let mut config = HwConfig {
        flags: 0,
        tx_type: HWTSTAMP_TX_ON,
        rx_filter: HWTSTAMP_FILTER_ALL,
    };
    // Refused: stamping may be on already; a datagram without a card's stamp has the kernel's.
    let _ = ask(socket, interface, SIOCSHWTSTAMP, (&raw mut config).cast());
    StampClock::Hardware(clock)
}

fn ask(socket: &UdpSocket, interface: &str, request: libc::c_ulong, data: *mut c_void) -> bool {
    let mut asked = IfRequest {
        name: [0; libc::IFNAMSIZ],
        data,
        rest: [0; 16],
    };
    let name = interface.as_bytes();
    if name.len() >= asked.name.len() {
        return false;
    }
    asked.name[..name.len()].copy_from_slice(name);
    // SAFETY: the kernel reads an ifreq and reads and writes what `data` points to: a struct of the
    // request's own layout that outlives the call.
    unsafe { libc::ioctl(socket.as_raw_fd(), request as _, &raw mut asked) == 0 }
}

/// Has arriving datagrams stamped.
///
/// # Errors
/// The kernel's refusal.
pub fn stamp_arrivals(socket: &UdpSocket) -> io::Result<()> {
    set(
        socket,
        libc::SOF_TIMESTAMPING_RX_HARDWARE
            | libc::SOF_TIMESTAMPING_RX_SOFTWARE
            | libc::SOF_TIMESTAMPING_RAW_HARDWARE
            | libc::SOF_TIMESTAMPING_SOFTWARE,
    )
}

/// Has leaving datagrams stamped, numbered from 0 in the order of their sending.
///
/// # Errors
/// The kernel's refusal.
pub fn stamp_departures(socket: &UdpSocket) -> io::Result<()> {
    set(
        socket,
        libc::SOF_TIMESTAMPING_TX_HARDWARE
            | libc::SOF_TIMESTAMPING_TX_SOFTWARE
            | libc::SOF_TIMESTAMPING_RAW_HARDWARE
            | libc::SOF_TIMESTAMPING_SOFTWARE
            | libc::SOF_TIMESTAMPING_OPT_ID
            | libc::SOF_TIMESTAMPING_OPT_TSONLY,
    )
}

fn set(socket: &UdpSocket, flags: u32) -> io::Result<()> {
    set_option(socket, libc::SOL_SOCKET, libc::SO_TIMESTAMPING, &flags)
}

/// Receives a datagram and its stamp without waiting.
///
/// # Errors
/// The kernel's; `WouldBlock` when there is none.
pub fn receive(socket: &UdpSocket, buffer: &mut [u8]) -> io::Result<(usize, Option<Stamp>)> {
    let received = receive_message(socket, buffer, libc::MSG_DONTWAIT)?;
    Ok((received.length, received.stamp))
}

/// The next stamp of a datagram that left, with its number; `None` when there is none as yet.
///
/// # Errors
/// The kernel's.
pub fn departure(socket: &UdpSocket) -> io::Result<Option<(u32, Stamp)>> {
    match receive_message(socket, &mut [], libc::MSG_ERRQUEUE | libc::MSG_DONTWAIT) {
        Ok(received) => Ok(received.number.zip(received.stamp)),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
        Err(error) => Err(error),
    }
}

#[derive(Default)]
struct Received {
    length: usize,
    stamp: Option<Stamp>,
    number: Option<u32>,
}

/// Room for control messages, aligned as the kernel's headers want it.
#[repr(align(8))]
struct Control([u8; 256]);

fn receive_message(socket: &UdpSocket, buffer: &mut [u8], flags: c_int) -> io::Result<Received> {
    let mut control = Control([0; 256]);
    let mut part = libc::iovec {
        iov_base: buffer.as_mut_ptr().cast(),
        iov_len: buffer.len(),
    };
    // SAFETY: an all-zero msghdr is an empty one.
    let mut message: libc::msghdr = unsafe { mem::zeroed() };
    message.msg_iov = &raw mut part;
    message.msg_iovlen = 1;
    message.msg_control = control.0.as_mut_ptr().cast();
    message.msg_controllen = control.0.len() as _;
    // SAFETY: the message's pointers are to live buffers of the lengths it says.
    let length = unsafe { libc::recvmsg(socket.as_raw_fd(), &raw mut message, flags) };
    let length = usize::try_from(length).map_err(|_| io::Error::last_os_error())?;
    let mut received = Received {
        length,
        ..Received::default()
    };
    // SAFETY: the kernel filled the control buffer and its length; CMSG_* stay inside of it.
    let mut header = unsafe { libc::CMSG_FIRSTHDR(&raw const message) };
    while !header.is_null() {
        // SAFETY: a header that CMSG_FIRSTHDR or CMSG_NXTHDR gave stands in the buffer with its data.
        unsafe {
            read_control(header, &mut received);
            header = libc::CMSG_NXTHDR(&raw const message, header);
        }
    }
    Ok(received)
}

/// # Safety
/// `header` stands in a control buffer that the kernel filled, with its data behind it.
unsafe fn read_control(header: *const libc::cmsghdr, received: &mut Received) {
    // SAFETY: as promised by the caller; the data are read unaligned, in the layout of their type.
    unsafe {
        let data = libc::CMSG_DATA(header);
        match ((*header).cmsg_level, (*header).cmsg_type) {
            (libc::SOL_SOCKET, libc::SCM_TIMESTAMPING) => {
                let times: [libc::timespec; 3] =
                    data.cast::<[libc::timespec; 3]>().read_unaligned();
                received.stamp = stamp(&times[2], true).or_else(|| stamp(&times[0], false));
            }
            (libc::IPPROTO_IP, libc::IP_RECVERR) => {
                let error = data.cast::<libc::sock_extended_err>().read_unaligned();
                if error.ee_origin == libc::SO_EE_ORIGIN_TIMESTAMPING {
                    received.number = Some(error.ee_data);
                }
            }
            _ => {}
        }
    }
}

fn stamp(time: &libc::timespec, hardware: bool) -> Option<Stamp> {
    let nanos = time.tv_sec * 1_000_000_000 + time.tv_nsec;
    (nanos != 0).then_some(Stamp { nanos, hardware })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::wait_readable;
    use std::time::Duration;

    fn received(socket: &UdpSocket, buffer: &mut [u8]) -> (usize, Option<Stamp>) {
        let heard = [socket.try_clone().expect("a socket")];
        wait_readable(&heard, Duration::from_secs(20)).expect("a poll");
        receive(socket, buffer).expect("a datagram")
    }

    #[test]
    fn what_leaves_and_arrives_on_loopback_is_stamped_by_the_kernel() {
        let receiver = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        let sender = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        stamp_arrivals(&receiver).expect("stamps");
        stamp_departures(&sender).expect("stamps");
        assert_eq!(stamp_clock(&sender, "lo"), StampClock::Software);
        let address = receiver.local_addr().expect("an address");
        // The kernel switches its stamps on a moment after it was asked.
        let stamped = (0..).find_map(|number: u32| {
            sender.send_to(b"abc", address).expect("sent");
            let (length, arrived) = received(&receiver, &mut [0; 16]);
            assert_eq!(length, 3);
            let (sent, left) = departure(&sender).expect("a queue").expect("a stamp");
            assert_eq!((sent, left.hardware), (number, false));
            arrived.map(|arrived| (left, arrived))
        });
        let (left, arrived) = stamped.expect("sooner or later");
        assert!(!arrived.hardware && left.nanos <= arrived.nanos);
        assert_eq!(departure(&sender).expect("a queue"), None);
        let none = receive(&receiver, &mut [0; 16]).expect_err("nothing there");
        assert_eq!(none.kind(), io::ErrorKind::WouldBlock);
    }

    #[test]
    fn an_interface_that_does_not_exist_has_no_clock() {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        for name in ["nothing0", "a-name-that-is-far-too-long-for-an-interface"] {
            assert_eq!(stamp_clock(&socket, name), StampClock::Software);
        }
    }
}
