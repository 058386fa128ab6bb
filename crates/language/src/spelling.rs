//! Spellings of one name: with and without accents, and as two systems of
//! romanisation write it (*Sergei, Sergey*; *Mohammed, Muhammad*).

use crate::name::fold;

/// Whether `a` and `b` spell one name: equal when folded, or when what
/// romanisations disagree about is left out.
#[must_use]
pub fn same_spelling(a: &str, b: &str) -> bool {
    let (a, b) = (fold(a), fold(b));
    if a == b {
        return true;
    }
    if a.is_empty() || b.is_empty() {
        return false;
    }
    let (a, b) = (romanised(&a), romanised(&b));
    a == b || vowels_alike(&a, &b)
}

/// Whether `a` and `b`, both of seven letters or more, differ by one slip of the pen.
///
/// Too weak for a name alone (*Johnson*, *Johnston*): something else must agree.
#[must_use]
pub fn one_slip_apart(a: &str, b: &str) -> bool {
    let a: Vec<char> = fold(a).chars().collect();
    let b: Vec<char> = fold(b).chars().collect();
    let (short, long) = if a.len() <= b.len() {
        (&a, &b)
    } else {
        (&b, &a)
    };
    if short.len() < 7 || long.len() - short.len() > 1 {
        return false;
    }
    let head = short.iter().zip(long).take_while(|(x, y)| x == y).count();
    let skip = usize::from(short.len() == long.len());
    let (rest_short, rest_long) = (
        &short[(head + skip).min(short.len())..],
        &long[(head + 1).min(long.len())..],
    );
    rest_short == rest_long
}

/// The letters of a folded name without what romanisations of Cyrillic and
/// Arabic choose differently: `y`, `j` for `i`, `kh` for `h`, `x` for `ks`,
/// doubled letters, `ye` for `e`.
fn romanised(name: &str) -> String {
    const GROUPS: [(&str, &str); 16] = [
        ("sch", "sh"),
        ("tsch", "ch"),
        ("tch", "ch"),
        ("dzh", "j"),
        ("dj", "j"),
        ("kh", "h"),
        ("gh", "g"),
        ("dh", "d"),
        ("ph", "f"),
        ("ck", "k"),
        ("ou", "u"),
        ("oo", "u"),
        ("ee", "i"),
        ("x", "ks"),
        ("q", "k"),
        ("w", "v"),
    ];
    let mut out = String::with_capacity(name.len());
    let mut push = |c: char| {
        let c = if matches!(c, 'y' | 'j') { 'i' } else { c };
        if !out.ends_with(c) {
            out.push(c);
        }
    };
    let mut rest = name;
    // "Evgeny" for "Yevgeny".
    if let Some(after) = rest.strip_prefix("ye") {
        push('e');
        rest = after;
    }
    while let Some(c) = rest.chars().next() {
        match GROUPS
            .iter()
            .find_map(|(from, to)| rest.strip_prefix(from).map(|after| (after, to)))
        {
            Some((after, to)) => {
                to.chars().for_each(&mut push);
                rest = after;
            }
            None => {
                if !matches!(c, '-' | '\'') {
                    push(c);
                }
                rest = &rest[c.len_utf8()..];
            }
        }
    }
    // "Lavroff".
    match out.strip_suffix("of") {
        Some(stem) if stem.len() > 3 => format!("{stem}ov"),
        _ => out,
    }
}

/// *Mohamed*, *Muhamad*: the same consonants around vowels that Arabic does not write.
fn vowels_alike(a: &str, b: &str) -> bool {
    let class = |c: char| match c {
        'a' | 'e' => 'a',
        'o' | 'u' => 'o',
        other => other,
    };
    let consonants = a
        .chars()
        .filter(|c| !matches!(c, 'a' | 'e' | 'i' | 'o' | 'u'));
    a.len() >= 6
        && consonants.count() >= 4
        && a.chars().next() == b.chars().next()
        && a.chars().map(class).eq(b.chars().map(class))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn romanisations_of_one_name() {
        for (a, b) in [
            ("Sergei", "Sergey"),
            ("Varlensky", "Varlenskyy"),
            ("Varlensky", "Varlenskiy"),
            ("Alexei", "Aleksey"),
            ("Evgeny", "Yevgeniy"),
            ("Mohammed", "Muhammad"),
            ("Varloff", "Varlov"),
            ("Núñez", "Nunez"),
            ("Brontë", "Bronte"),
        ] {
            assert!(same_spelling(a, b), "{a} {b}");
        }
    }

    #[test]
    fn other_names_stay_apart() {
        for (a, b) in [
            ("Johnson", "Johnston"),
            ("Larsen", "Larson"),
            ("Jan", "Jen"),
            ("Mario", "Maria"),
            ("Toll", "Tell"),
            ("", "Venn"),
        ] {
            assert!(!same_spelling(a, b), "{a} {b}");
        }
    }

    #[test]
    fn one_slip_in_a_long_name() {
        assert!(one_slip_apart("Johnson", "Johnston"));
        assert!(one_slip_apart("Verekhin", "Verekhim"));
        assert!(!one_slip_apart("Verekhin", "Verakhim"));
        assert!(!one_slip_apart("Toll", "Told"));
        assert!(!one_slip_apart("", ""));
    }
}
