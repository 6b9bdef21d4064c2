//! What kind of event it is: the log sources it comes from and what is the same in all of its kind.

use crate::{FieldId, LogSource};

/// Number of an [`EventClass`], unique among the classes of one resolver and its clones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClassId(pub u32);

/// A kind of event, such as "Sysmon process creation". Rules are chosen and specialised per class, so
/// that an event meets only the rules that could still match it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventClass {
    /// Its number.
    pub id: ClassId,
    /// Every log source that an event of this class belongs to. Empty: none is known.
    pub log_sources: Vec<LogSource>,
    /// Fields that hold this very value in each event of the class, such as `EventID` = `1`. What a rule
    /// asks of them is decided once, when the rules are specialised to the class.
    pub constants: Vec<(FieldId, String)>,
    /// Rule field to the fields it may also be read from in this class, best first. A field is always
    /// read from its own name first.
    pub also_read_from: Vec<(FieldId, Vec<FieldId>)>,
}
