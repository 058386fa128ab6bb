use copydesk_plugin::stage;

#[stage(id = "example/caps", summary = "Words in capitals")]
struct Caps;

fn main() {}
