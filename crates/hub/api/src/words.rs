//! Closed vocabularies: an enum whose variants are words in JSON, in tables and in queries alike.

/// Declares an enum and the word that stands for each variant, in one place.
///
/// The word is a `tt`, since utoipa does not see a `literal` that comes through a macro.
macro_rules! words {
    ($(#[$meta:meta])* pub enum $name:ident {
        $($(#[$note:meta])* $variant:ident = $word:tt,)+
    }) => {
        $(#[$meta])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash,
            serde::Serialize, serde::Deserialize, utoipa::ToSchema,
        )]
        pub enum $name {
            $($(#[$note])* #[serde(rename = $word)] $variant,)+
        }

        impl $name {
            /// Every value, in the order in which people want them listed.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The word as it stands in JSON.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}

pub(crate) use words;

#[cfg(test)]
mod tests {
    use crate::{
        Assurance, CertificateStatus, DeviceSort, HolderKind, Lifecycle, Order, Over,
        RevocationReason, Tier,
    };
    use serde::Serialize;
    use serde_json::{Value, to_value};
    use utoipa::PartialSchema;

    #[test]
    fn a_word_is_the_same_in_json_in_print_and_in_the_openapi_document() {
        fn same<T: Copy + Serialize + ToString + PartialSchema>(all: &[T]) {
            let printed = all.iter().map(|value| Value::String(value.to_string()));
            let printed: Vec<_> = printed.collect();
            assert_eq!(to_value(all).unwrap(), Value::from(printed.clone()));
            assert_eq!(to_value(T::schema()).unwrap()["enum"], Value::from(printed));
        }
        same(Lifecycle::ALL);
        same(Tier::ALL);
        same(Assurance::ALL);
        same(Order::ALL);
        same(CertificateStatus::ALL);
        same(HolderKind::ALL);
        same(RevocationReason::ALL);
        same(DeviceSort::ALL);
        same(Over::ALL);
    }

    #[test]
    fn refuses_a_word_outside_the_vocabulary() {
        assert!(serde_json::from_str::<Order>("\"destroy\"").is_err());
        assert!(serde_json::from_str::<Order>("\"Retire\"").is_err());
    }
}
