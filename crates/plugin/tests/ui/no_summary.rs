use copydesk_plugin::{Diagnostics, Doc, Host, NoOptions, Out, Stage, StageError, Worker, stage};

struct Caps;
struct CapsWorker;

impl Worker for CapsWorker {
    fn document(&mut self, _: Doc<'_>, _: &mut Out<'_>) -> Result<(), StageError> {
        Ok(())
    }
}

#[stage(id = "example/caps")]
impl Stage for Caps {
    type Worker = CapsWorker;

    fn create(_: NoOptions, _: &Host<'_>) -> Result<Self, Diagnostics> {
        Ok(Self)
    }

    fn worker(&self, _: u32, _: &Host<'_>) -> Result<CapsWorker, StageError> {
        Ok(CapsWorker)
    }
}

fn main() {}
