//! Plain functions over every kind of value, at the top and in an interface.

wit_bindgen::generate!({ path: "wit", world: "functions", generate_all });

use exports::example::shapes::math::{Guest as Math, Point, Shape};

struct Functions;

export!(Functions);

impl Math for Functions {
    fn area(of: Shape) -> f64 {
        match of {
            Shape::Circle(radius) => std::f64::consts::PI * radius * radius,
            Shape::Rectangle(corner) => corner.x * corner.y,
            Shape::Nothing => 0.0,
        }
    }

    fn middle(of: Vec<Point>) -> Option<Point> {
        let count = of.len() as f64;
        let sum = of.into_iter().reduce(|a, b| Point { x: a.x + b.x, y: a.y + b.y })?;
        Some(Point { x: sum.x / count, y: sum.y / count })
    }
}

impl Guest for Functions {
    fn add(a: i32, b: i32) -> i32 {
        a.wrapping_add(b)
    }

    fn divide(a: i64, b: i64) -> Result<i64, String> {
        a.checked_div(b).ok_or_else(|| format!("{a} can't be divided by {b}"))
    }

    fn greet(who: Person) -> String {
        format!("hello {}, {}, {}", who.name, who.age, who.tags.join("+"))
    }

    fn older(who: Person) -> Person {
        Person { age: who.age.saturating_add(1), ..who }
    }

    fn mix(a: Colour, b: Colour) -> Option<Colour> {
        (a == b).then_some(a)
    }

    fn both(a: Marks, b: Marks) -> Marks {
        a & b
    }

    fn swap(pair: (String, u32)) -> (u32, String) {
        (pair.1, pair.0)
    }

    fn next(letter: char) -> char {
        char::from_u32(letter as u32 + 1).unwrap_or('a')
    }

    fn reverse(bytes: Vec<u8>) -> Vec<u8> {
        bytes.into_iter().rev().collect()
    }

    fn not(value: bool) -> bool {
        !value
    }

    fn nothing() {}

    fn spin() {
        loop {
            std::hint::black_box(());
        }
    }

    fn trap() {
        unreachable!("asked to trap")
    }
}
