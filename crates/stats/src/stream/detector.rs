//! Any of the detectors, by name.

use super::codec::Field;
use super::{
    Adwin, AdwinSettings, Ddm, DdmSettings, Eddm, EddmSettings, Fhddm, FhddmSettings, HddmA, HddmASettings, HddmW,
    HddmWSettings, Kswin, KswinSettings, PageHinkley, PageHinkleySettings, State,
};

/// Changes when bytes written before can no longer be read.
const FORMAT: u8 = 1;

/// One list of the detectors, from which the enums and everything that asks "which one?" follow.
macro_rules! detectors {
    ($($name:literal $kind:ident $settings:ident),+ $(,)?) => {
        /// Names of the detectors.
        pub const NAMES: &[&str] = &[$($name),+];

        /// Which detector, with its parameters.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Settings {
            $(#[doc = concat!("Those of [`", stringify!($kind), "`].")] $kind($settings)),+
        }

        /// A detector of any kind.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Detector {
            $(#[doc = concat!("[`", stringify!($kind), "`].")] $kind($kind)),+
        }

        impl Settings {
            /// River's defaults for a detector. `None` if there is none of this name.
            pub fn named(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$kind($settings::default())),)+
                    _ => None,
                }
            }

            /// Sets a parameter by River's name for it. False if the detector has none of this name or the text is no value
            /// of it; nothing is changed then.
            pub fn set(&mut self, parameter: &str, text: &str) -> bool {
                match self {
                    $(Self::$kind(settings) => settings.set(parameter, text)),+
                }
            }
        }

        impl Detector {
            /// A detector that has seen nothing. `None` if a parameter is out of its range.
            pub fn new(settings: Settings) -> Option<Self> {
                match settings {
                    $(Settings::$kind(settings) => $kind::new(settings).map(Self::$kind)),+
                }
            }

            /// The name of its kind.
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$kind(_) => $name),+
                }
            }

            /// Takes a value.
            pub fn update(&mut self, value: f64) -> State {
                match self {
                    $(Self::$kind(detector) => detector.update(value)),+
                }
            }

            /// Everything it knows, parameters included.
            pub fn to_bytes(&self) -> Vec<u8> {
                let mut bytes = vec![FORMAT];
                bytes.push(NAMES.iter().position(|name| *name == self.name()).unwrap_or_default() as u8);
                match self {
                    $(Self::$kind(detector) => detector.write(&mut bytes)),+
                }
                bytes
            }

            /// The detector that wrote these bytes. `None` if none did.
            pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
                let [FORMAT, kind, rest @ ..] = bytes else { return None };
                let mut rest = rest;
                let detector = match *NAMES.get(usize::from(*kind))? {
                    $($name => {
                        let detector = $kind::read(&mut rest)?;
                        detector.is_sound().then_some(Self::$kind(detector))
                    })+
                    _ => None,
                };
                detector.filter(|_| rest.is_empty())
            }
        }
    };
}

detectors! {
    "adwin" Adwin AdwinSettings,
    "page_hinkley" PageHinkley PageHinkleySettings,
    "ddm" Ddm DdmSettings,
    "eddm" Eddm EddmSettings,
    "hddm_a" HddmA HddmASettings,
    "hddm_w" HddmW HddmWSettings,
    "fhddm" Fhddm FhddmSettings,
    "kswin" Kswin KswinSettings,
}
