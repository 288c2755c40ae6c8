//! Random sequences of actions, against the model, one at a time and in batches.
//!
//! `PROPTEST_CASES` sets how many.

use proptest::{collection::vec, prelude::*};
use semel_core::{Command, Context, actions::Action};

use crate::support::{
    check, device,
    model::{Model, Told},
    phone::Phone,
    random::{NAMES, Step, step},
    words::person,
    world::World,
};

/// Both worlds and the model, and what was commanded.
struct Trial {
    alone: World,
    batched: World,
    model: Model,
    phones: Vec<Phone>,
    commands: Vec<Command>,
    waiting: Vec<(Command, Context<'static>, String)>,
}

impl Trial {
    fn new() -> Self {
        let known = &NAMES[..5];
        let mut model = Model::default();
        model.people.extend(known.iter().map(|name| person(name)));
        Self {
            alone: World::with(known),
            batched: World::with(known),
            model,
            phones: known.iter().map(|name| Phone::new(person(name))).collect(),
            commands: Vec::new(),
            waiting: Vec::new(),
        }
    }

    fn step(&mut self, step: &Step) {
        self.alone.now += step.clock;
        let command = step.command(&self.alone.store, self.alone.now, &self.commands);
        // The job sees what is stored, not what the batch at hand is about to store; it comes again.
        if matches!(command.action, Action::PruneAnswers(_)) {
            self.end_batch(false);
        }
        let reply = self.alone.run(&command);
        let context = self.alone.context();
        let told = self.model.apply(&command, &context, &reply);
        assert_eq!(Told::of(&reply), told, "{command:?}");
        self.waiting
            .push((command.clone(), context, format!("{reply:?}")));
        self.commands.push(command);
        if step.ends_batch {
            self.end_batch(step.forgets);
        }
    }

    fn end_batch(&mut self, forgets: bool) {
        if forgets {
            self.batched.forget();
        }
        let waiting = std::mem::take(&mut self.waiting);
        let (batch, told): (Vec<_>, Vec<_>) = waiting
            .into_iter()
            .map(|(command, context, told)| ((command, context), told))
            .unzip();
        for (reply, told) in self.batched.run_batch(&batch).iter().zip(told) {
            assert_eq!(format!("{reply:?}"), told);
        }
        assert!(
            self.alone.store == self.batched.store,
            "a batch does what each does alone"
        );
        check::store(&self.alone.store);
        check::model(&self.model, &self.alone);
        device::agrees(&self.alone);
        for phone in &mut self.phones {
            phone.sync(&self.alone);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_rules_do_what_the_model_does(steps in vec(step(), 1..48)) {
        let mut trial = Trial::new();
        for step in &steps {
            trial.step(step);
        }
        trial.end_batch(false);
    }
}
