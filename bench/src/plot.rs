//! Plots as small SVG files: lines over two axes, nothing else. Their text is text, in whatever font the reader has.

use crate::figures::shown;
use crate::report::Plot;
use std::fmt::Write;

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 360.0;
/// Room for the axes' words: left, right, top, bottom.
const ROOM: (f64, f64, f64, f64) = (70.0, 150.0, 40.0, 50.0);
/// Told apart in grey, too: each line also carries its name at its end.
const COLOURS: [&str; 4] = ["#1a5fb4", "#c64600", "#26734d", "#613583"];

/// The greatest value of an axis: a round number that holds them all.
fn end(most: f64) -> f64 {
    let most = if most > 0.0 { most } else { 1.0 };
    let unit = 10f64.powf(most.log10().floor());
    [1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.5, 10.0].into_iter().map(|n| n * unit).find(|end| *end >= most).unwrap_or(most)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Draws a plot. Both axes begin at nothing.
#[must_use]
pub fn svg(plot: &Plot) -> String {
    let all = || plot.series.iter().flat_map(|series| &series.points);
    let (right, top) = (end(all().map(|p| p.0).fold(0.0, f64::max)), end(all().map(|p| p.1).fold(0.0, f64::max)));
    let (left, below) = (ROOM.0, HEIGHT - ROOM.3);
    let x = |value: f64| left + value / right * (WIDTH - ROOM.0 - ROOM.1);
    let y = |value: f64| below - value / top * (HEIGHT - ROOM.2 - ROOM.3);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" \
         font-size=\"12\" role=\"img\">\n<title>{0}</title>\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n\
         <text x=\"{left}\" y=\"22\" font-size=\"15\">{0}</text>\n",
        escaped(&plot.title)
    );
    // A String takes everything.
    for part in 0..=4 {
        let share = f64::from(part) / 4.0;
        let (across, up) = (x(right * share), y(top * share));
        let _ = writeln!(
            svg,
            "<line x1=\"{left}\" y1=\"{up:.1}\" x2=\"{:.1}\" y2=\"{up:.1}\" stroke=\"#ddd\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>\
             <text x=\"{across:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
            x(right),
            left - 6.0,
            up + 4.0,
            shown(top * share),
            below + 18.0,
            shown(right * share),
        );
    }
    let _ = writeln!(
        svg,
        "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text><text x=\"{left}\" y=\"36\" \
         fill=\"#555\">{}</text>",
        f64::midpoint(left, x(right)),
        HEIGHT - 10.0,
        escaped(&plot.axes.0),
        escaped(&plot.axes.1),
    );
    for (series, colour) in plot.series.iter().zip(COLOURS.iter().cycle()) {
        let points: Vec<String> = series.points.iter().map(|(a, b)| format!("{:.1},{:.1}", x(*a), y(*b))).collect();
        let _ = writeln!(
            svg,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>",
            points.join(" ")
        );
        if let Some((_, last)) = series.points.last() {
            let _ = writeln!(
                svg,
                "<text x=\"{:.1}\" y=\"{:.1}\" fill=\"{colour}\">{}</text>",
                x(right) + 8.0,
                y(*last) + 4.0,
                escaped(&series.name)
            );
        }
    }
    svg.push_str("</svg>\n");
    svg
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Series;

    #[test]
    fn a_plot_holds_its_points_and_its_words() {
        let series = Series { name: "a < b".to_owned(), points: vec![(0.0, 0.0), (30.0, 12.0)] };
        let axes = ("seconds".to_owned(), "bookings".to_owned());
        let plot = Plot { file: "x".to_owned(), title: "T & U".to_owned(), axes, series: vec![series] };
        let drawn = svg(&plot);
        assert!(drawn.contains("T &amp; U") && drawn.contains("a &lt; b") && drawn.contains("<polyline"), "{drawn}");
        assert!(drawn.contains(">15.0<") && drawn.contains(">30.0<"), "the axes end at round numbers: {drawn}");
    }
}
