//! Near misses of a dry run: a row that finds nothing as it is written, but would in another form. A value is never
//! changed by itself; the plan tells how many rows may have been meant otherwise.

use unicode_normalization::UnicodeNormalization;

/// How a row that finds nothing would find something. The numbers are how outcomes and rows are packed: they never change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum NearMiss {
    /// In lower or in upper case.
    OtherCase = 7,
    /// Without blanks around it, without invisible characters, or in the Unicode normalisation form C; perhaps in another
    /// case, too.
    OtherForm = 8,
}

/// The most forms of a value that [`other_forms`] gives.
pub const MAX_FORMS: usize = 5;

/// Characters that cannot be seen: zero-width spaces and joiners, direction marks, the soft hyphen, the byte order mark.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

impl NearMiss {
    /// Every near miss.
    pub const ALL: [Self; 2] = [Self::OtherCase, Self::OtherForm];

    /// The word in responses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OtherCase => "other_case",
            Self::OtherForm => "other_form",
        }
    }

    /// The near miss of a packed number.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|near_miss| *near_miss as u8 == number)
    }
}

/// The other forms of a value that a dry run looks for, in this order; none of them twice, and none is the value itself.
pub fn other_forms(value: &str) -> Vec<(NearMiss, String)> {
    // Rust's blanks are those of Unicode, so the no-break space is one.
    let visible: String = value.chars().filter(|c| !is_invisible(*c)).collect();
    let plain: String = visible.trim().nfc().collect();
    let mut forms: Vec<(NearMiss, String)> = Vec::with_capacity(MAX_FORMS);
    let mut add = |near_miss, form: String| {
        if form != value && forms.iter().all(|(_, other)| *other != form) {
            forms.push((near_miss, form));
        }
    };
    add(NearMiss::OtherCase, value.to_lowercase());
    add(NearMiss::OtherCase, value.to_uppercase());
    add(NearMiss::OtherForm, plain.to_lowercase());
    add(NearMiss::OtherForm, plain.to_uppercase());
    add(NearMiss::OtherForm, plain);
    forms
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: &str, expected: &[&str]) {
        let forms: Vec<String> = other_forms(value).into_iter().map(|(n, f)| format!("{} {f}", n.as_str())).collect();
        assert_eq!(forms, expected, "{value:?}");
    }

    #[test]
    fn a_value_has_other_forms() {
        check("a1", &["other_case A1"]);
        check("1", &[]);
        for value in ["a ", "\u{a0}a", "a\u{200b}", "\u{feff}a\r", "\u{ad}a\u{3000}"] {
            let expected =
                [format!("other_case {}", value.to_uppercase()), "other_form a".to_owned(), "other_form A".to_owned()];
            check(value, &expected.each_ref().map(String::as_str));
        }
        check(
            "Jose\u{301}",
            &[
                "other_case jose\u{301}",
                "other_case JOSE\u{301}",
                "other_form josé",
                "other_form JOSÉ",
                "other_form José",
            ],
        );
        check("\u{200b}", &["other_form "]);
    }
}
