//! The PROXY protocol, versions 1 and 2 (`proxy-protocol.txt` of `HAProxy`): a load balancer says before the first byte of
//! a connection whom it speaks for. Believed from the networks in the settings only, and required from them.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;

use serde::Deserialize;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::time::timeout;

/// Addresses that share a prefix: `10.0.0.0/8`, `2001:db8::/32`, `192.0.2.7`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

/// At most [`NETWORKS_MAX`] networks.
#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Vec<String>")]
pub struct Networks([Option<Network>; NETWORKS_MAX]);

/// A text that names no network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadNetwork {
    /// It is no address, or has no such prefix.
    #[error("{0:?} is no network: write 10.0.0.0/8, 2001:db8::/32 or one address")]
    Text(String),
    /// There are too many.
    #[error("there are {0} networks; at most {NETWORKS_MAX} are allowed")]
    TooMany(usize),
}

/// Why a connection from a load balancer is closed.
#[derive(Debug, thiserror::Error)]
pub enum BadHeader {
    /// It ended early.
    #[error("the PROXY header was not read")]
    Read(#[from] io::Error),
    /// It did not come in time.
    #[error("no PROXY header came in time")]
    TooLate,
    /// It is something else, TLS for instance.
    #[error("the connection does not begin with a PROXY header; is send-proxy-v2 set?")]
    NoHeader,
    /// It breaks the protocol's form.
    #[error("the PROXY header is malformed")]
    Malformed,
    /// It is for another transport than TCP.
    #[error("the PROXY header is about something else than TCP")]
    NotTcp,
    /// It is longer than any honest one.
    #[error("the PROXY header has {0} bytes; at most {V2_LENGTH_MAX} are read")]
    TooLong(usize),
}

impl Networks {
    /// Whether an address lies in one of them.
    pub fn contain(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0
            .iter()
            .flatten()
            .any(|network| network.contains(address))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(Option::is_none)
    }
}

impl Network {
    fn contains(&self, address: IpAddr) -> bool {
        let same = |one: u128, other: u128, bits: u32| {
            let shift = bits.saturating_sub(u32::from(self.prefix));
            one.checked_shr(shift).unwrap_or(0) == other.checked_shr(shift).unwrap_or(0)
        };
        match (self.address, address) {
            (IpAddr::V4(one), IpAddr::V4(other)) => {
                same(u128::from(one.to_bits()), u128::from(other.to_bits()), 32)
            }
            (IpAddr::V6(one), IpAddr::V6(other)) => same(one.to_bits(), other.to_bits(), 128),
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

impl FromStr for Network {
    type Err = BadNetwork;

    fn from_str(text: &str) -> Result<Self, BadNetwork> {
        let read = || {
            let (address, prefix) = match text.split_once('/') {
                Some((address, prefix)) => (address, Some(prefix.parse::<u8>().ok()?)),
                None => (text, None),
            };
            let address: IpAddr = address.parse().ok()?;
            let longest = if address.is_ipv4() { 32 } else { 128 };
            let prefix = prefix.unwrap_or(longest);
            (prefix <= longest).then_some(Self { address, prefix })
        };
        read().ok_or_else(|| BadNetwork::Text(text.to_owned()))
    }
}

impl TryFrom<Vec<String>> for Networks {
    type Error = BadNetwork;

    fn try_from(texts: Vec<String>) -> Result<Self, BadNetwork> {
        if texts.len() > NETWORKS_MAX {
            return Err(BadNetwork::TooMany(texts.len()));
        }
        let mut networks = Self::default();
        for (place, text) in networks.0.iter_mut().zip(&texts) {
            *place = Some(text.parse()?);
        }
        Ok(networks)
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

impl fmt::Debug for Networks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().flatten()).finish()
    }
}

/// Reads the header and not one byte more. Gives whom the load balancer speaks for; `None` when it speaks for
/// itself, to see whether the door is well.
///
/// # Errors
/// [`BadHeader`]; the connection is to be closed.
pub async fn read_header(
    stream: &mut (impl AsyncRead + Unpin),
) -> Result<Option<SocketAddr>, BadHeader> {
    let read = timeout(HEADER_TIMEOUT, read_either(stream)).await;
    read.map_err(|_elapsed| BadHeader::TooLate)?
}

async fn read_either(
    stream: &mut (impl AsyncRead + Unpin),
) -> Result<Option<SocketAddr>, BadHeader> {
    let mut start = [0; SIGNATURE.len()];
    stream.read_exact(&mut start).await?;
    if start == *SIGNATURE {
        return read_v2(stream).await;
    }
    if !start.starts_with(b"PROXY ") {
        return Err(BadHeader::NoHeader);
    }
    let mut line = start.to_vec();
    // Byte by byte: what follows the line belongs to TLS.
    while !line.ends_with(b"\r\n") {
        if line.len() >= V1_LENGTH_MAX {
            return Err(BadHeader::Malformed);
        }
        line.push(stream.read_u8().await?);
    }
    parse_v1(&line)
}

async fn read_v2(stream: &mut (impl AsyncRead + Unpin)) -> Result<Option<SocketAddr>, BadHeader> {
    let mut head = [0; 4];
    stream.read_exact(&mut head).await?;
    let [version_and_command, family_and_transport, high, low] = head;
    let length = usize::from(u16::from_be_bytes([high, low]));
    if length > V2_LENGTH_MAX {
        return Err(BadHeader::TooLong(length));
    }
    let mut rest = vec![0; length];
    stream.read_exact(&mut rest).await?;
    parse_v2(version_and_command, family_and_transport, &rest)
}

/// Section 2.1: `PROXY TCP4 192.0.2.7 198.51.100.1 40000 8883` and an end of line.
fn parse_v1(line: &[u8]) -> Result<Option<SocketAddr>, BadHeader> {
    let line = line
        .strip_suffix(b"\r\n")
        .and_then(|line| str::from_utf8(line).ok());
    let mut words = line.ok_or(BadHeader::Malformed)?.split(' ');
    let family = match (words.next(), words.next()) {
        (Some("PROXY"), Some("UNKNOWN")) => return Ok(None),
        (Some("PROXY"), Some(family)) => family,
        _ => return Err(BadHeader::Malformed),
    };
    let mut address = || words.next()?.parse::<IpAddr>().ok();
    let (source, destination) = (address(), address());
    let mut port = || {
        let text = words.next()?;
        let plain = text.bytes().all(|byte| byte.is_ascii_digit());
        plain.then(|| text.parse::<u16>().ok()).flatten()
    };
    let (source_port, destination_port) = (port(), port());
    let (Some(source), Some(destination), Some(port), Some(_), None) = (
        source,
        destination,
        source_port,
        destination_port,
        words.next(),
    ) else {
        return Err(BadHeader::Malformed);
    };
    match (family, source, destination) {
        ("TCP4", IpAddr::V4(_), IpAddr::V4(_)) | ("TCP6", IpAddr::V6(_), IpAddr::V6(_)) => {
            Ok(Some(SocketAddr::new(source, port)))
        }
        _ => Err(BadHeader::Malformed),
    }
}

/// Section 2.2; what follows the addresses (type-length-values) is not needed.
fn parse_v2(
    version_and_command: u8,
    family_and_transport: u8,
    rest: &[u8],
) -> Result<Option<SocketAddr>, BadHeader> {
    match version_and_command {
        0x20 => return Ok(None),
        0x21 => {}
        _ => return Err(BadHeader::Malformed),
    }
    let source = match (family_and_transport, rest) {
        (0x00, _) => return Ok(None),
        (0x11, [a, b, c, d, _, _, _, _, high, low, _, _, ..]) => SocketAddr::new(
            Ipv4Addr::new(*a, *b, *c, *d).into(),
            u16::from_be_bytes([*high, *low]),
        ),
        (0x21, rest) => {
            let (source, after) = rest.split_first_chunk::<16>().ok_or(BadHeader::Malformed)?;
            let (_destination, after) = after
                .split_first_chunk::<16>()
                .ok_or(BadHeader::Malformed)?;
            let [high, low, _, _, ..] = after else {
                return Err(BadHeader::Malformed);
            };
            let port = u16::from_be_bytes([*high, *low]);
            SocketAddr::new(Ipv6Addr::from(*source).into(), port)
        }
        (0x11, _) => return Err(BadHeader::Malformed),
        _ => return Err(BadHeader::NotTcp),
    };
    Ok(Some(source))
}

/// How many networks may stand in one list.
pub const NETWORKS_MAX: usize = 8;

/// What version 2 begins with (section 2.2).
const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";

/// The longest line of version 1, in bytes (section 2.1).
const V1_LENGTH_MAX: usize = 107;

/// The most that is read after the fixed part of version 2: addresses, and what load balancers add of TLS.
const V2_LENGTH_MAX: usize = 512;

/// How long a load balancer may take to say whom it speaks for.
const HEADER_TIMEOUT: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    /// What the header in `bytes` says, and what is left after it.
    async fn read(mut bytes: &[u8]) -> (Result<Option<SocketAddr>, BadHeader>, usize) {
        let said = read_header(&mut bytes).await;
        (said, bytes.len())
    }

    fn v2(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
        let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
        [SIGNATURE.as_slice(), &[command, family], &length, rest].concat()
    }

    const FOUR: &[u8] = &[192, 0, 2, 7, 198, 51, 100, 1, 0x9c, 0x40, 0x22, 0xb3];

    #[tokio::test]
    async fn takes_both_versions_and_leaves_every_byte_after_them() {
        let device: SocketAddr = "192.0.2.7:40000".parse().unwrap();
        let six: SocketAddr = "[2001:db8::7]:40000".parse().unwrap();
        let six_addresses = [
            &[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7][..],
            &[0; 16],
            &[0x9c, 0x40, 0, 1],
        ];
        for (header, expected) in [
            (
                b"PROXY TCP4 192.0.2.7 198.51.100.1 40000 8883\r\n".to_vec(),
                Some(device),
            ),
            (
                b"PROXY TCP6 2001:db8::7 2001:db8::1 40000 8883\r\n".to_vec(),
                Some(six),
            ),
            (b"PROXY UNKNOWN\r\n".to_vec(), None),
            (v2(0x21, 0x11, FOUR), Some(device)),
            (
                v2(0x21, 0x11, &[FOUR, &[4, 0, 1, 0]].concat()),
                Some(device),
            ),
            (v2(0x21, 0x21, &six_addresses.concat()), Some(six)),
            (v2(0x20, 0x00, &[]), None),
            (v2(0x21, 0x00, &[]), None),
        ] {
            let (said, left) = read(&[&header, b"\x16\x03\x01".as_slice()].concat()).await;
            assert_eq!((said.unwrap(), left), (expected, 3), "{header:?}");
        }
    }

    #[tokio::test]
    async fn refuses_what_is_no_header_or_breaks_its_form() {
        for bytes in [
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\x00".to_vec(),
            b"PROXY TCP4 192.0.2.7 198.51.100.1 40000\r\n".to_vec(),
            b"PROXY TCP4 192.0.2.7 198.51.100.1 40000 8883 x\r\n".to_vec(),
            b"PROXY TCP4 2001:db8::7 2001:db8::1 40000 8883\r\n".to_vec(),
            b"PROXY TCP4 192.0.2.7 198.51.100.1 +4000 8883\r\n".to_vec(),
            b"PROXY TCP4 192.0.2.7 198.51.100.1 70000 8883\r\n".to_vec(),
            b"PROXY UDP4 192.0.2.7 198.51.100.1 40000 8883\r\n".to_vec(),
            b"PROXY TCP4  192.0.2.7 198.51.100.1 40000 8883\r\n".to_vec(),
            [b"PROXY TCP4 ".as_slice(), &[b'1'; 200], b"\r\n"].concat(),
            v2(0x11, 0x11, FOUR),
            v2(0x22, 0x11, FOUR),
            v2(0x21, 0x12, FOUR),
            v2(0x21, 0x31, &[0; 216]),
            v2(0x21, 0x11, &FOUR[..11]),
            v2(0x21, 0x21, &[0; 35]),
            v2(0x21, 0x11, &[0; V2_LENGTH_MAX + 1]),
            v2(0x21, 0x11, FOUR)[..20].to_vec(),
            b"PROXY TCP4 192.0".to_vec(),
        ] {
            assert!(read(&bytes).await.0.is_err(), "{bytes:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn refuses_a_load_balancer_that_says_nothing() {
        let (mut silent, _other_end) = tokio::io::duplex(64);
        let said = read_header(&mut silent).await;
        assert!(matches!(said, Err(BadHeader::TooLate)));
    }

    #[test]
    fn a_network_is_an_address_and_a_prefix() {
        let networks = |texts: &[&str]| {
            let texts = texts.iter().map(|&text| text.to_owned());
            Networks::try_from(texts.collect::<Vec<_>>())
        };
        let known = networks(&["10.0.0.0/8", "2001:db8::/32", "192.0.2.7", "::1/128"]).unwrap();
        for (address, inside) in [
            ("10.255.0.1", true),
            ("11.0.0.1", false),
            ("::ffff:10.1.2.3", true),
            ("2001:db8:ffff::1", true),
            ("2001:db9::1", false),
            ("192.0.2.7", true),
            ("192.0.2.8", false),
            ("::1", true),
            ("::2", false),
        ] {
            assert_eq!(known.contain(address.parse().unwrap()), inside, "{address}");
        }
        let all = networks(&["0.0.0.0/0", "::/0"]).unwrap();
        assert!(all.contain("203.0.113.9".parse().unwrap()));
        assert!(all.contain("2001:db8::9".parse().unwrap()));
        assert!(!networks(&[]).unwrap().contain("127.0.0.1".parse().unwrap()));
        for bad in [
            "10.0.0.0/33",
            "::/129",
            "10.0.0/8",
            "lb.example",
            "10.0.0.0/",
            "/8",
        ] {
            assert_eq!(networks(&[bad]), Err(BadNetwork::Text(bad.to_owned())));
        }
        assert_eq!(networks(&["::1"; 9]), Err(BadNetwork::TooMany(9)));
    }

    #[test]
    fn no_bytes_make_the_parser_panic_or_read_past_their_bound() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        bolero::check!()
            .with_type::<(u8, u8, u8, Vec<u8>)>()
            .for_each(|(form, command, family, noise)| {
                let noise = &noise[..noise.len().min(600)];
                let bytes = match form % 3 {
                    0 => [b"PROXY TCP4 ".as_slice(), noise].concat(),
                    1 => v2(*command, *family, noise),
                    _ => noise.to_vec(),
                };
                let (said, left) = runtime.block_on(read(&bytes));
                let most = 16 + V2_LENGTH_MAX.max(V1_LENGTH_MAX);
                assert!(bytes.len() - left <= most);
                drop(said);
            });
    }
}
