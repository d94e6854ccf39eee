//! Columns of text.

use crate::ui::harmless_line;

/// Rows under a head, each column as wide as its widest cell.
pub(crate) fn table<const N: usize>(head: [&str; N], rows: &[[String; N]]) -> String {
    let mut widths = head.map(|cell| cell.chars().count());
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut out = String::new();
    line(&mut out, &widths, head);
    for row in rows {
        line(&mut out, &widths, row.each_ref().map(String::as_str));
    }
    out
}

fn line<const N: usize>(out: &mut String, widths: &[usize; N], cells: [&str; N]) {
    let mut text = String::new();
    for (width, cell) in widths.iter().zip(cells) {
        text.push_str(&format!("{:<width$}  ", harmless_line(cell)));
    }
    out.push_str(text.trim_end());
    out.push('\n');
}
