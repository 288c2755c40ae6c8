// What operators do. The server writes each deed into its audit log, with the reason.

import { type Api, segment } from "../network/api.js";
import type { AuditLine, Report, ReportOutcome } from "../protocol/wire.js";
import type { Page } from "./actions.js";
import type { Client } from "./client.js";
import { contextOf } from "./contexts.js";

/** Calls for which the person has to be an operator (`client.actions.isOperator`): others get `forbidden`. */
export class Operators {
  readonly #api: Api;

  constructor(api: Api) {
    this.#api = api;
  }

  /** Nothing that this person does is accepted any more, and nothing is open to them. Resolves with since when. */
  async suspend(user_id: string, reason: string): Promise<string | undefined> {
    return this.#setStanding(user_id, "suspend", reason);
  }

  /** Ends a suspension. */
  async lift(user_id: string, reason: string): Promise<void> {
    await this.#setStanding(user_id, "lift", reason);
  }

  /** Makes a message a tombstone, in whatever thread it is. */
  async removeMessage(thread_id: string, message_id: string, reason: string): Promise<void> {
    const path = `/api/operator/threads/${segment(thread_id)}/messages/${segment(message_id)}/remove`;
    await this.#api.call({ method: "POST", path, body: { reason } });
  }

  /** What operators did, newest first, page by page. */
  async audit(cursor?: string): Promise<Page<AuditLine>> {
    type Result = { audit: AuditLine[]; next_cursor?: string | null };
    const call = { method: "GET", path: "/api/operator/audit", query: { cursor } } as const;
    const page = await this.#api.call<Result>(call);
    return { items: page.audit, next: page.next_cursor ?? undefined };
  }

  /** What people reported, the open reports first, page by page. */
  async reports(cursor?: string): Promise<Page<Report>> {
    type Result = { reports: Report[]; next_cursor?: string | null };
    const call = { method: "GET", path: "/api/operator/reports", query: { cursor } } as const;
    const page = await this.#api.call<Result>(call);
    return { items: page.reports, next: page.next_cursor ?? undefined };
  }

  /** Says what becomes of a report, and does it. */
  async resolve(report: Report, outcome: ReportOutcome, reason: string): Promise<void> {
    const path = `/api/operator/reports/${segment(report.id)}/resolve`;
    const whom = outcome === "suspended" ? { user_id: report.user_id } : {};
    await this.#api.call({ method: "POST", path, body: { outcome, reason, ...whom } });
  }

  async #setStanding(
    user_id: string,
    deed: "suspend" | "lift",
    reason: string,
  ): Promise<string | undefined> {
    const path = `/api/operator/people/${segment(user_id)}/${deed}`;
    const call = { method: "POST", path, body: { reason } } as const;
    const { suspended_at } = await this.#api.call<{ suspended_at?: string | null }>(call);
    return suspended_at ?? undefined;
  }
}

/** What this person does as an operator. */
export function operatorsOf(client: Client): Operators {
  return new Operators(contextOf(client).api);
}
