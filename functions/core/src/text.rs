//! Types whose stored and transmitted form is one text: serde by way of `Display` and `FromStr`.

/// Implements `Serialize` and `Deserialize` by `Display` and `FromStr`. A text that does not parse is an error, so a
/// record that holds one cannot be read.
macro_rules! serde_as_text {
    ($($type:ty),+ $(,)?) => {
        $(
            impl serde::Serialize for $type {
                fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                    serializer.collect_str(self)
                }
            }

            impl<'de> serde::Deserialize<'de> for $type {
                fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                    text.parse().map_err(serde::de::Error::custom)
                }
            }
        )+
    };
}

pub(crate) use serde_as_text;
