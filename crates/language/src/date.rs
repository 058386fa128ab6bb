//! Dates and times as news writes them, turned into ISO 8601.
//!
//! Only dates that name their year are read: a year that has to be guessed from
//! elsewhere is worse than none.

use std::fmt;
use std::ops::Range;
use std::sync::LazyLock;

use regex::{Captures, Regex};

use crate::pattern::latin;

/// A calendar date, with the time of day where the text gives one together with
/// its zone.
///
/// Displays as ISO 8601: `2021-10-19`, or `2021-10-19T04:33-04:00` with a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Date {
    /// Gregorian year, four digits.
    pub year: u16,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31, valid for the month.
    pub day: u8,
    /// Time of day, if the text gives one.
    pub time: Option<Time>,
}

/// A time of day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Time {
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
    /// 0 to 59, if written.
    pub second: Option<u8>,
    /// Minutes east of UTC, if the text names a zone.
    pub offset: Option<i16>,
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)?;
        // A local time without its zone says less than it seems to.
        let Some((time, offset)) = self.time.and_then(|t| t.offset.map(|o| (t, o))) else {
            return Ok(());
        };
        write!(f, "T{:02}:{:02}", time.hour, time.minute)?;
        if let Some(second) = time.second {
            write!(f, ":{second:02}")?;
        }
        if offset == 0 {
            return f.write_str("Z");
        }
        let sign = if offset < 0 { '-' } else { '+' };
        write!(f, "{sign}{:02}:{:02}", offset.abs() / 60, offset.abs() % 60)
    }
}

/// The first date in `text`, with the bytes it covers: the date, and the time
/// and zone beside it.
///
/// ```
/// use copydesk_language::date;
/// let (place, found) = date::find("Ada Brill | March 4, 2019 | 4:33am EDT").unwrap();
/// assert_eq!(found.to_string(), "2019-03-04T04:33-04:00");
/// assert_eq!(place, 12..38);
/// ```
#[must_use]
pub fn find(text: &str) -> Option<(Range<usize>, Date)> {
    let (mut range, mut date) = calendar(text)?;
    if date.time.is_none() {
        if let Some((after, time)) = time_behind(&text[range.end..], &date) {
            date.time = Some(time);
            let behind = range.end;
            range.end += after;
            if text[range.start..behind].contains('/')
                && is_elsewhere(&time, &text[behind..range.end])
            {
                date = day_first(date);
            }
        } else if let Some((before, time)) = time_before(&text[..range.start], &date) {
            date.time = Some(time);
            range.start = before;
        }
    }
    Some((range, date))
}

/// The first time of day in `text` (`4:33am EDT`, `16:40 GMT+2`, `8 p.m. ET`),
/// with the bytes it covers. `on` decides between winter and summer time where
/// the zone's name leaves it open.
#[must_use]
pub fn find_time(text: &str, on: Option<&Date>) -> Option<(Range<usize>, Time)> {
    for found in TIME.captures_iter(text) {
        let whole = found.get(0).expect("group 0 always takes part").range();
        if let Some(time) = time_of(&found, on) {
            return Some((whole, time));
        }
    }
    None
}

/// Whether `word` is the English name of a month or weekday, long or short.
#[must_use]
pub fn names_day_or_month(word: &str) -> bool {
    let word = word.trim_end_matches('.');
    month(word).is_some() || WEEKDAYS.contains(&word.to_ascii_lowercase().as_str())
}

fn calendar(text: &str) -> Option<(Range<usize>, Date)> {
    let mut from = 0;
    while let Some(found) = DATE.captures_at(text, from) {
        let whole = found.get(0)?.range();
        // Only a time or a word may be glued to the year: `20192:23 PM`, `2019Updated`.
        let glued = &text[whole.end..];
        let whole_year = !glued.starts_with(|c: char| c.is_ascii_digit())
            || found.name("y1").is_some()
            || find_time(glued, None).is_some_and(|(range, _)| range.start == 0);
        if let Some(date) = date_of(&found).filter(|_| whole_year) {
            return Some((whole, date));
        }
        from = whole.start + text[whole.start..].chars().next().map_or(1, char::len_utf8);
    }
    None
}

fn date_of(found: &Captures<'_>) -> Option<Date> {
    let number = |name: &str| {
        found
            .name(name)
            .and_then(|m| m.as_str().parse::<u16>().ok())
    };
    let named = |name: &str| found.name(name).and_then(|m| month(m.as_str()));
    let (year, month, day) = if let Some(year) = number("y1") {
        (year, number("m1")?, number("d1")?)
    } else if let Some(year) = number("y2") {
        (year, named("m2")?, number("d2")?)
    } else if let Some(year) = number("y3") {
        (year, named("m3")?, number("d3")?)
    } else if let Some(year) = number("y4") {
        // 3/4/2019 is read in the American way unless that is impossible.
        let (a, b) = (number("a4")?, number("b4")?);
        if a > 12 { (year, b, a) } else { (year, a, b) }
    } else {
        (number("y5")?, number("m5")?, number("d5")?)
    };
    let mut date = valid(year, month, day)?;
    if let (Some(hour), Some(minute)) = (number("hour"), number("minute")) {
        let offset = found.name("iso").and_then(|z| numeric_offset(z.as_str()));
        date.time = (hour < 24 && minute < 60).then_some(Time {
            hour: hour as u8,
            minute: minute as u8,
            second: number("second").filter(|s| *s < 60).map(|s| s as u8),
            offset,
        });
    }
    Some(date)
}

fn valid(year: u16, month: u16, day: u16) -> Option<Date> {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let length = match month {
        2 => 28 + u16::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    ((1900..2100).contains(&year) && (1..=length).contains(&day)).then_some(Date {
        year,
        month: month as u8,
        day: day as u8,
        time: None,
    })
}

/// Who writes the hours to 24 or names a zone outside of America writes the day
/// before the month, too.
fn is_elsewhere(time: &Time, written: &str) -> bool {
    let halves = written.to_ascii_lowercase().contains(['a', 'p']);
    (time.hour > 12 && !halves) || time.offset.is_some_and(|minutes| minutes >= 0)
}

/// The date with day and month exchanged, if there is such a day.
fn day_first(date: Date) -> Date {
    valid(date.year, date.day.into(), date.month.into()).map_or(date, |other| Date {
        time: date.time,
        ..other
    })
}

fn time_behind(rest: &str, date: &Date) -> Option<(usize, Time)> {
    let gap = GAP.find(rest).map_or(0, |m| m.end());
    let tail = &rest[gap..];
    let (range, time) = find_time(tail, Some(date))?;
    (range.start == 0).then_some((gap + range.end, time))
}

fn time_before(head: &str, date: &Date) -> Option<(usize, Time)> {
    // `8:05 a.m. ET Monday, March 4, 2019`: what stands between may only join.
    let mut last = None;
    for found in TIME.captures_iter(head) {
        if let Some(time) = time_of(&found, Some(date)) {
            last = Some((found.get(0)?.range(), time));
        }
    }
    let (range, time) = last?;
    let between = head[range.end..].trim();
    let joins = between
        .split(|c: char| !c.is_alphanumeric())
        .filter(|w| !w.is_empty())
        .all(|w| w == "on" || WEEKDAYS.contains(&w.to_ascii_lowercase().as_str()));
    joins.then_some((range.start, time))
}

fn time_of(found: &Captures<'_>, on: Option<&Date>) -> Option<Time> {
    let number = |name: &str| found.name(name).and_then(|m| m.as_str().parse::<u8>().ok());
    let mut hour = number("h")?;
    let minute = number("m");
    let second = number("s");
    let half = found.name("half").map(|m| m.as_str().to_ascii_lowercase());
    // `5` alone is no time.
    if minute.is_none() && half.is_none() {
        return None;
    }
    match half.as_deref().and_then(|h| h.chars().next()) {
        Some(_) if hour == 0 || hour > 12 => return None,
        Some('p') if hour < 12 => hour += 12,
        Some('a') if hour == 12 => hour = 0,
        _ => {}
    }
    let minute = minute.unwrap_or(0);
    if hour > 23 || minute > 59 {
        return None;
    }
    let offset = found
        .name("zone")
        .and_then(|z| zone_offset(z.as_str(), on))
        .map(|base| {
            let extra = found.name("plus").and_then(|p| numeric_offset(p.as_str()));
            base + extra.unwrap_or(0)
        })
        .or_else(|| found.name("num").and_then(|n| numeric_offset(n.as_str())));
    Some(Time {
        hour,
        minute,
        second,
        offset,
    })
}

/// `Z`, `+02:00`, `-0400`, `+2`, in minutes.
fn numeric_offset(zone: &str) -> Option<i16> {
    let zone = zone.trim();
    if zone.eq_ignore_ascii_case("z") {
        return Some(0);
    }
    let negative = zone.starts_with(['-', '−']);
    let digits: String = zone.chars().filter(char::is_ascii_digit).collect();
    let (hours, minutes) = match digits.len() {
        1 | 2 => (digits.parse::<i16>().ok()?, 0),
        3 => (digits[..1].parse().ok()?, digits[1..].parse().ok()?),
        4 => (digits[..2].parse().ok()?, digits[2..].parse().ok()?),
        _ => return None,
    };
    if hours > 14 || minutes > 59 {
        return None;
    }
    let total = hours * 60 + minutes;
    Some(if negative { -total } else { total })
}

/// Minutes east of UTC of a zone's usual abbreviation. Where two zones share
/// one, the one met most in English news is taken (`IST`: India, `CST`: North
/// America).
fn zone_offset(zone: &str, on: Option<&Date>) -> Option<i16> {
    let summer = on.is_some_and(american_summer);
    let hours = match zone.to_ascii_uppercase().as_str() {
        "UTC" | "GMT" | "WET" => 0,
        "BST" | "CET" | "WEST" | "WAT" => 1,
        "CEST" | "EET" | "SAST" | "CAT" => 2,
        "EEST" | "MSK" | "TRT" | "EAT" => 3,
        "GST" => 4,
        "PKT" => 5,
        "IST" => return Some(330),
        "HKT" | "SGT" | "AWST" => 8,
        "JST" | "KST" => 9,
        "AEST" => 10,
        "AEDT" => 11,
        "NZST" => 12,
        "NZDT" => 13,
        "EDT" => -4,
        "EST" | "CDT" => -5,
        "CST" | "MDT" => -6,
        "MST" | "PDT" => -7,
        "PST" => -8,
        "ET" => -5 + i16::from(summer),
        "CT" => -6 + i16::from(summer),
        "MT" => -7 + i16::from(summer),
        "PT" => -8 + i16::from(summer),
        _ => return None,
    };
    Some(hours * 60)
}

/// Daylight saving in the United States since 2007: from the second Sunday of
/// March to the first of November.
fn american_summer(date: &Date) -> bool {
    let sunday = |month: u8, nth: u8| {
        let first = weekday(date.year, month, 1);
        1 + (7 - first) % 7 + 7 * (nth - 1)
    };
    match date.month {
        4..=10 => true,
        3 => date.day >= sunday(3, 2),
        11 => date.day < sunday(11, 1),
        _ => false,
    }
}

/// 0 = Sunday (Sakamoto's method).
fn weekday(year: u16, month: u8, day: u8) -> u8 {
    const SHIFT: [u16; 12] = [0, 3, 2, 5, 0, 3, 5, 1, 4, 6, 2, 4];
    let year = if month < 3 { year - 1 } else { year };
    let shift = SHIFT[usize::from(month.clamp(1, 12)) - 1];
    ((year + year / 4 - year / 100 + year / 400 + shift + u16::from(day)) % 7) as u8
}

fn month(name: &str) -> Option<u16> {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let found = MONTHS.iter().position(|long| {
        *long == name
            || (name.len() == 3 && long.starts_with(&name))
            || (name == "sept" && *long == "september")
    })?;
    Some(found as u16 + 1)
}

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

const WEEKDAYS: &[&str] = &[
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
    "mon",
    "tue",
    "tues",
    "wed",
    "thu",
    "thur",
    "thurs",
    "fri",
    "sat",
    "sun",
];

static DATE: LazyLock<Regex> = LazyLock::new(|| {
    let month = "jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?";
    let pattern = format!(
        r"(?xi)
        \b(?P<y1>(?:19|20)\d\d)[-/](?P<m1>\d{{1,2}})[-/](?P<d1>\d{{1,2}})
            (?:(?:T|\ )(?P<hour>\d\d):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:\.\d+)?)?
               (?P<iso>Z\b|\s?[+-]\d\d:?\d\d)?)?
        | \b(?P<m2>{month})\.?\s+(?P<d2>\d{{1,2}})(?:st|nd|rd|th)?,?\s+(?P<y2>(?:19|20)\d\d)
        | \b(?P<d3>\d{{1,2}})(?:st|nd|rd|th)?(?:\s+of)?[\s-]+(?P<m3>{month})\.?,?[\s-]+(?P<y3>(?:19|20)\d\d)
        | \b(?P<a4>\d{{1,2}})/(?P<b4>\d{{1,2}})/(?P<y4>(?:19|20)\d\d)
        | \b(?P<d5>\d{{1,2}})\.\s?(?P<m5>\d{{1,2}})\.\s?(?P<y5>(?:19|20)\d\d)"
    );
    latin(&pattern)
});

static TIME: LazyLock<Regex> = LazyLock::new(|| {
    latin(
        r"(?xi)
        \b(?P<h>\d{1,2})(?:[:.](?P<m>\d\d)(?::(?P<s>\d\d))?)?(?:\s?h(?:rs)?\b)?
        (?:\s?(?P<half>[ap]\.?m\b\.?))?
        (?:\s?\(?(?P<zone>UTC|GMT|BST|CE?S?T|WES?T|EES?T|MSK|TRT|ES?D?T|MS?D?T|PS?D?T|CDT|IST|JST|KST|HKT|SGT|PKT|GST|WAT|CAT|EAT|SAST|AWST|AE[SD]T|NZ[SD]T)\b
            (?P<plus>\s?[+-−]\d{1,2}(?::?\d\d)?)?\)?)?
        (?P<num>\s?[+-]\d\d:?\d\d\b)?",
    )
});

/// What may stand between a date and its time.
static GAP: LazyLock<Regex> = LazyLock::new(|| latin(r"(?i)^[\s,|•·/@(–—-]*(?:at\s+|around\s+)?"));

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn iso(text: &str) -> Option<String> {
        find(text).map(|(_, date)| date.to_string())
    }

    #[test]
    fn dates_of_news_become_iso() {
        for (text, expected) in [
            ("March 4, 2019", "2019-03-04"),
            ("Posted Mar. 4, 2019 by staff", "2019-03-04"),
            ("4 March 2019", "2019-03-04"),
            ("Monday, 4th March, 2019", "2019-03-04"),
            ("Sept. 30, 2020", "2020-09-30"),
            ("the 1st of May 2018", "2018-05-01"),
            (" date 2019-03-04 The ferries", "2019-03-04"),
            ("2019/3/4", "2019-03-04"),
            ("3/4/2019", "2019-03-04"),
            ("14/3/2019", "2019-03-14"),
            ("04.03.2019", "2019-03-04"),
            ("29 February 2020", "2020-02-29"),
            ("12-Mar-2019", "2019-03-12"),
            ("4 Mar 2019Updated", "2019-03-04"),
            ("Mon, Mar 4 20192:23 PM", "2019-03-04"),
            ("03/04/2019 - 16:40", "2019-04-03"),
            ("03/04/2019 4:40 pm", "2019-03-04"),
            ("14/03/2019 16:40", "2019-03-14"),
        ] {
            assert_eq!(iso(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_date_is_left_alone() {
        for text in [
            "March 2019",
            "on March 4",
            "30 February 2019",
            "2019-13-40",
            "March 4, 20190",
            "the 2014 vote",
            "room 3/4",
            "",
        ] {
            assert_eq!(iso(text), None, "{text}");
        }
    }

    #[test]
    fn times_with_zones_are_kept() {
        for (text, expected) in [
            ("March 4, 2019 | 4:33am EDT", "2019-03-04T04:33-04:00"),
            ("March 4, 2019 at 4:33 p.m. EST", "2019-03-04T16:33-05:00"),
            ("July 4, 2019, 8 p.m. ET", "2019-07-04T20:00-04:00"),
            ("January 4, 2019 8:05 AM PT", "2019-01-04T08:05-08:00"),
            ("4 March 2019, 16:40 GMT", "2019-03-04T16:40Z"),
            ("4 March 2019 - 16:40 CET", "2019-03-04T16:40+01:00"),
            ("4 March 2019 16:40 UTC+3", "2019-03-04T16:40+03:00"),
            ("4 March 2019 16:40 IST", "2019-03-04T16:40+05:30"),
            ("2019-03-04T04:33:10Z", "2019-03-04T04:33:10Z"),
            ("2019-03-04T04:33:10.250+02:00", "2019-03-04T04:33:10+02:00"),
            (
                "Updated 8:05 a.m. ET Monday, March 4, 2019",
                "2019-03-04T08:05-05:00",
            ),
            ("12:10 a.m. UTC on March 4, 2019", "2019-03-04T00:10Z"),
        ] {
            assert_eq!(iso(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn a_time_without_zone_is_found_but_not_displayed() {
        let (range, date) = find("March 4, 2019, 16:40 local").expect("a date");
        assert_eq!(date.to_string(), "2019-03-04");
        assert_eq!(date.time.map(|t| (t.hour, t.minute)), Some((16, 40)));
        assert_eq!(range, 0..20);
    }

    #[test]
    fn american_clocks_change_in_march_and_november() {
        for (text, expected) in [
            ("March 9, 2019 1:00 am ET", "2019-03-09T01:00-05:00"),
            ("March 10, 2019 9:00 am ET", "2019-03-10T09:00-04:00"),
            ("November 2, 2019 9:00 am ET", "2019-11-02T09:00-04:00"),
            ("November 3, 2019 9:00 am ET", "2019-11-03T09:00-05:00"),
        ] {
            assert_eq!(iso(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn months_and_weekdays_are_known_by_name() {
        assert!(names_day_or_month("Friday"));
        assert!(names_day_or_month("Sept."));
        assert!(names_day_or_month("May"));
        assert!(!names_day_or_month("Brill"));
    }

    proptest! {
        #[test]
        fn found_ranges_are_slices_of_any_text(text in any::<String>()) {
            if let Some((range, _)) = find(&text) {
                prop_assert!(text.get(range).is_some());
            }
        }

        #[test]
        fn every_real_day_is_read_back(year in 1900u16..2100, month in 1u16..13, day in 1u16..29) {
            let text = format!("{year}-{month:02}-{day:02}");
            prop_assert_eq!(iso(&text), Some(text));
        }
    }
}
