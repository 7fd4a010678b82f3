//! Detectors as bytes: every field in its order, little-endian, lists with their length in front.

use std::collections::VecDeque;

/// What can be written to bytes and read back to the same bits.
pub(crate) trait Field: Sized {
    /// Appends the bytes.
    fn write(&self, bytes: &mut Vec<u8>);
    /// Takes the bytes from the front; `None` if there are too few or they mean nothing.
    fn read(bytes: &mut &[u8]) -> Option<Self>;
}

/// Writes the fields of a struct in the order given, and reads them.
macro_rules! fields {
    ($type:ident { $($field:ident),+ $(,)? }) => {
        impl $crate::stream::codec::Field for $type {
            fn write(&self, bytes: &mut Vec<u8>) {
                $($crate::stream::codec::Field::write(&self.$field, bytes);)+
            }

            fn read(bytes: &mut &[u8]) -> Option<Self> {
                Some(Self { $($field: $crate::stream::codec::Field::read(bytes)?),+ })
            }
        }
    };
}

/// As [`fields`], for settings, which can also be set by name from text.
macro_rules! settings {
    ($type:ident { $($field:ident),+ $(,)? }) => {
        $crate::stream::codec::fields!($type { $($field),+ });

        impl $type {
            /// Sets a parameter by its name, which is River's. False if there is none of this name or the text is no value
            /// of it; nothing is changed then.
            pub fn set(&mut self, parameter: &str, text: &str) -> bool {
                match parameter {
                    $(stringify!($field) => text.parse().map(|value| self.$field = value).is_ok(),)+
                    _ => false,
                }
            }
        }
    };
}

pub(crate) use {fields, settings};

fn take<const SIZE: usize>(bytes: &mut &[u8]) -> Option<[u8; SIZE]> {
    let (head, rest) = bytes.split_first_chunk::<SIZE>()?;
    *bytes = rest;
    Some(*head)
}

impl Field for f64 {
    fn write(&self, bytes: &mut Vec<u8>) {
        bytes.extend(self.to_le_bytes());
    }

    fn read(bytes: &mut &[u8]) -> Option<Self> {
        take(bytes).map(Self::from_le_bytes)
    }
}

impl Field for u64 {
    fn write(&self, bytes: &mut Vec<u8>) {
        bytes.extend(self.to_le_bytes());
    }

    fn read(bytes: &mut &[u8]) -> Option<Self> {
        take(bytes).map(Self::from_le_bytes)
    }
}

impl Field for u32 {
    fn write(&self, bytes: &mut Vec<u8>) {
        bytes.extend(self.to_le_bytes());
    }

    fn read(bytes: &mut &[u8]) -> Option<Self> {
        take(bytes).map(Self::from_le_bytes)
    }
}

impl Field for usize {
    fn write(&self, bytes: &mut Vec<u8>) {
        (*self as u64).write(bytes);
    }

    fn read(bytes: &mut &[u8]) -> Option<Self> {
        u64::read(bytes)?.try_into().ok()
    }
}

impl Field for bool {
    fn write(&self, bytes: &mut Vec<u8>) {
        bytes.push(u8::from(*self));
    }

    fn read(bytes: &mut &[u8]) -> Option<Self> {
        match take(bytes)? {
            [0] => Some(false),
            [1] => Some(true),
            _ => None,
        }
    }
}

impl<T: Field> Field for Vec<T> {
    fn write(&self, bytes: &mut Vec<u8>) {
        self.len().write(bytes);
        self.iter().for_each(|item| item.write(bytes));
    }

    fn read(bytes: &mut &[u8]) -> Option<Self> {
        // No memory is set aside for a length that the bytes only claim.
        (0..usize::read(bytes)?).map(|_| T::read(bytes)).collect()
    }
}

impl<T: Field> Field for VecDeque<T> {
    fn write(&self, bytes: &mut Vec<u8>) {
        self.len().write(bytes);
        self.iter().for_each(|item| item.write(bytes));
    }

    fn read(bytes: &mut &[u8]) -> Option<Self> {
        Vec::read(bytes).map(Self::from)
    }
}
