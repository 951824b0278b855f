//! Which key on which token: a PKCS#11 URI (RFC 7512), as far as it names one key and how to reach it.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// A PKCS#11 URI that names a token, a key on it, the module that reaches it and the file of the PIN.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct KeyUri {
    /// The token's label.
    token: String,
    /// The token's serial number, where labels are not enough.
    serial: Option<String>,
    /// The key's label.
    object: String,
    /// The shared library that reaches the token.
    module_path: PathBuf,
    /// The file that holds the user's PIN.
    pin_source: PathBuf,
}

/// Why a text is no such URI.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadUri {
    /// It does not begin with `pkcs11:`, or has more than `LENGTH_MAX` bytes.
    #[error(
        "a key on a token is named like pkcs11:token=ca;object=issuing-1?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=/etc/ironroot/pin"
    )]
    Shape,
    /// A PIN stands in it, where other users and logs see it.
    #[error(
        "a PIN never stands in a PKCS#11 URI, where others can read it: put it into a file with mode 600 and name that as pin-source"
    )]
    PinValue,
    /// An attribute that is unknown here, comes twice or has no value.
    #[error(
        "the attribute {0:?} is unknown, comes twice or has no value: token, serial and object come before the question mark, module-path and pin-source behind it"
    )]
    Attribute(String),
    /// An attribute that is needed is missing.
    #[error("the attribute {0} is missing")]
    Missing(&'static str),
    /// A percent sign without two hexadecimal digits, or bytes that are no text.
    #[error("{0:?} is not percent-encoded text")]
    Encoding(String),
    /// A file that is not named by an absolute path.
    #[error("{0} names a file by its absolute path, or as file:/path")]
    Path(&'static str),
}

impl KeyUri {
    /// The token's label.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// The token's serial number, where it is named.
    pub fn serial(&self) -> Option<&str> {
        self.serial.as_deref()
    }

    /// The key's label.
    pub fn object(&self) -> &str {
        &self.object
    }

    /// The shared library that reaches the token.
    pub fn module_path(&self) -> &Path {
        &self.module_path
    }

    /// The file that holds the user's PIN.
    pub fn pin_source(&self) -> &Path {
        &self.pin_source
    }

    /// The same token and another key on it.
    #[must_use]
    pub fn with_object(mut self, object: &str) -> Self {
        object.clone_into(&mut self.object);
        self
    }
}

impl FromStr for KeyUri {
    type Err = BadUri;

    fn from_str(text: &str) -> Result<Self, BadUri> {
        if text.len() > LENGTH_MAX {
            return Err(BadUri::Shape);
        }
        let rest = text.strip_prefix("pkcs11:").ok_or(BadUri::Shape)?;
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let mut found = Found::default();
        // RFC 7512 section 2.3: `;` divides what names the key, `&` what says how to reach it.
        for attribute in path.split(';').filter(|part| !part.is_empty()) {
            found.take(attribute, &["token", "serial", "object"])?;
        }
        for attribute in query.split('&').filter(|part| !part.is_empty()) {
            found.take(attribute, &["module-path", "pin-source"])?;
        }
        let [token, serial, object, module_path, pin_source] = found.0;
        Ok(Self {
            token: token.ok_or(BadUri::Missing("token"))?,
            serial,
            object: object.ok_or(BadUri::Missing("object"))?,
            module_path: file(module_path, "module-path")?,
            pin_source: file(pin_source, "pin-source")?,
        })
    }
}

/// The values found so far, in the order of [`ATTRIBUTES`].
#[derive(Default)]
struct Found([Option<String>; ATTRIBUTES.len()]);

impl Found {
    fn take(&mut self, attribute: &str, allowed: &[&str]) -> Result<(), BadUri> {
        let (name, value) = attribute.split_once('=').unwrap_or((attribute, ""));
        if name == "pin-value" {
            return Err(BadUri::PinValue);
        }
        let known = ATTRIBUTES.iter().position(|known| *known == name);
        match known.and_then(|place| self.0.get_mut(place)) {
            Some(slot @ None) if allowed.contains(&name) && !value.is_empty() => {
                *slot = Some(decode(value)?);
                Ok(())
            }
            Some(_) | None => Err(BadUri::Attribute(name.to_owned())),
        }
    }
}

fn file(value: Option<String>, name: &'static str) -> Result<PathBuf, BadUri> {
    let value = value.ok_or(BadUri::Missing(name))?;
    // RFC 7512 section 2.4: a file URI or a path; the `|command` that it also knows is refused.
    let path = PathBuf::from(value.strip_prefix("file:").unwrap_or(&value));
    path.is_absolute().then_some(path).ok_or(BadUri::Path(name))
}

fn decode(value: &str) -> Result<String, BadUri> {
    let wrong = || BadUri::Encoding(value.to_owned());
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let (Some(high), Some(low)) = (rest.next(), rest.next()) else {
            return Err(wrong());
        };
        let decoded = hex::decode([high, low]).map_err(|_no_hex| wrong())?;
        bytes.extend(decoded);
    }
    let text = String::from_utf8(bytes).map_err(|_no_text| wrong())?;
    if text.chars().any(char::is_control) {
        return Err(wrong());
    }
    Ok(text)
}

impl fmt::Display for KeyUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pkcs11:token={}", Encoded(&self.token))?;
        if let Some(serial) = &self.serial {
            write!(f, ";serial={}", Encoded(serial))?;
        }
        write!(
            f,
            ";object={}?module-path={}&pin-source={}",
            Encoded(&self.object),
            Encoded(&self.module_path.to_string_lossy()),
            Encoded(&self.pin_source.to_string_lossy())
        )
    }
}

/// A value with everything percent-encoded that RFC 7512 section 2.3 does not let stand everywhere.
struct Encoded<'a>(&'a str);

impl fmt::Display for Encoded<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.bytes().try_for_each(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' | b':' => {
                write!(f, "{}", char::from(byte))
            }
            other => write!(f, "%{other:02X}"),
        })
    }
}

const ATTRIBUTES: [&str; 5] = ["token", "serial", "object", "module-path", "pin-source"];
const LENGTH_MAX: usize = 2 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str =
        "pkcs11:token=ca;object=issuing-1?module-path=/usr/lib/hsm.so&pin-source=/etc/pin";

    #[test]
    fn a_uri_comes_back_as_it_was_and_with_other_spellings() {
        assert_eq!(GOOD.parse::<KeyUri>().unwrap().to_string(), GOOD);
        let spelt = "pkcs11:object=issuing%2d1;token=%63a?pin-source=file:/etc/pin&module-path=/usr/lib/hsm.so";
        assert_eq!(spelt.parse::<KeyUri>(), GOOD.parse());
        let odd = "pkcs11:token=my%20%3Bca;serial=0a;object=k?module-path=/m&pin-source=/p";
        let uri: KeyUri = odd.parse().unwrap();
        assert_eq!((uri.token(), uri.serial()), ("my ;ca", Some("0a")));
        assert_eq!(uri.to_string(), odd);
    }

    #[test]
    fn refuses_a_pin_in_the_uri() {
        for with_pin in [
            format!("{GOOD}&pin-value=1234"),
            "pkcs11:token=ca;object=k?pin-value=1234".to_owned(),
            "pkcs11:pin-value=1234;token=ca".to_owned(),
        ] {
            let refused = with_pin.parse::<KeyUri>().unwrap_err();
            assert_eq!(refused, BadUri::PinValue);
            assert!(!refused.to_string().contains("1234"));
        }
    }

    #[test]
    fn refuses_a_program_as_the_source_of_the_pin() {
        let program = GOOD.replace("/etc/pin", "%7Crm%20-rf");
        assert_eq!(program.parse::<KeyUri>(), Err(BadUri::Path("pin-source")));
        let relative = GOOD.replace("/usr/lib/", "");
        assert_eq!(relative.parse::<KeyUri>(), Err(BadUri::Path("module-path")));
    }

    #[test]
    fn refuses_what_is_unknown_twice_empty_or_in_the_wrong_half() {
        for (from, to, wrong) in [
            ("token=ca", "token=ca;token=ca", "token"),
            ("token=ca", "token=ca;slot-id=1", "slot-id"),
            ("token=ca", "token=", "token"),
            ("token=ca", "token=ca;pin-source=/p", "pin-source"),
            ("?", "?object=x&", "object"),
        ] {
            let refused = GOOD.replacen(from, to, 1).parse::<KeyUri>();
            assert_eq!(refused, Err(BadUri::Attribute(wrong.to_owned())), "{to}");
        }
    }

    #[test]
    fn refuses_a_uri_that_lacks_something_or_is_none() {
        for (without, missing) in [
            ("token=ca;", "token"),
            ("object=issuing-1", "object"),
            ("module-path=/usr/lib/hsm.so&", "module-path"),
            ("&pin-source=/etc/pin", "pin-source"),
        ] {
            let refused = GOOD.replace(without, "").parse::<KeyUri>();
            assert_eq!(refused, Err(BadUri::Missing(missing)));
        }
        for none in [
            "",
            "pkcs12:token=a",
            &format!("{GOOD}{}", "x".repeat(LENGTH_MAX)),
        ] {
            assert_eq!(none.parse::<KeyUri>(), Err(BadUri::Shape));
        }
        for broken in ["token=%4", "token=%zz", "token=%ff", "token=a%0a"] {
            let refused = GOOD.replace("token=ca", broken).parse::<KeyUri>();
            assert!(matches!(refused, Err(BadUri::Encoding(_))), "{broken}");
        }
    }

    #[test]
    fn no_change_to_a_uri_makes_the_parser_panic_and_what_it_reads_it_prints() {
        bolero::check!()
            .with_type::<(u8, u8, String)>()
            .for_each(|(at, taken, noise)| {
                let at = usize::from(*at) % GOOD.len();
                let end = (at + usize::from(*taken)).min(GOOD.len());
                let mut text = GOOD.to_owned();
                text.replace_range(at..end, noise);
                if let Ok(uri) = text.parse::<KeyUri>() {
                    assert_eq!(uri.to_string().parse(), Ok(uri));
                }
            });
    }
}
