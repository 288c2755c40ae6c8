// Deeds and their reasons: each is asked for once more, and goes into the log with why.

import { type Client, operatorsOf } from "@semel/sdk";
import { t } from "../i18n";
import { layers } from "../layers";

export function askToSuspend(client: Client, user_id: string, name: string, done: () => void) {
  layers.open({
    type: "ask",
    title: t("operator.suspendAsk", { name }),
    note: t("operator.suspendNote"),
    confirm: t("operator.suspend"),
    wantsReason: true,
    act: async (reason) => {
      await operatorsOf(client).suspend(user_id, reason);
      done();
    },
  });
}

export function askToLift(client: Client, user_id: string, name: string, done: () => void) {
  layers.open({
    type: "ask",
    title: t("operator.liftAsk", { name }),
    note: t("operator.liftNote"),
    confirm: t("operator.lift"),
    isHarmless: true,
    wantsReason: true,
    act: async (reason) => {
      await operatorsOf(client).lift(user_id, reason);
      done();
    },
  });
}

export function askToRemoveMessage(client: Client, thread_id: string, message_id: string) {
  layers.open({
    type: "ask",
    title: t("operator.removeAsk"),
    note: t("operator.removeNote"),
    confirm: t("operator.remove"),
    wantsReason: true,
    act: (reason) => operatorsOf(client).removeMessage(thread_id, message_id, reason),
  });
}
