//! A feature flag of a type that Kinde's flags cannot have.

kinde_axum::flags! { pub Ratio: f32 = "ratio" or 0.5_f32; }

fn main() {}
