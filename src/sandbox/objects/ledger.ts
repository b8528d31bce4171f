import { postBalance } from "./payments/charges.ts";
import { expireOpenSession } from "./checkout/sessions.ts";
import type { Clock } from "../world/clock.ts";
import type { Cause, Deliveries, Dispatch } from "../webhooks/deliveries.ts";
import { FOLLOW_UPS } from "./followUps.ts";
import { settleRefund } from "./payments/refunds.ts";
import { expireAuthorization, settlePayment, settleVoucher } from "./payments/settlement.ts";
import type { Job, JobKind, Store } from "../world/store.ts";
import { type Pace, UnitOfWork } from "../world/unitOfWork.ts";

const NOBODY: Cause = { requestId: null, idempotencyKey: null };
const JOBS_PER_COMMIT = 100;

/** The work of each kind of job on its subject when the job is due. */
const JOBS: Readonly<Record<JobKind, (unit: UnitOfWork, subject: string) => unknown>> = {
  settle_payment: (unit, subject) => settlePayment(unit, subject, null),
  settle_voucher: (unit, subject) => settleVoucher(unit, subject, null),
  expire_voucher: (unit, subject) => settleVoucher(unit, subject, "failed"),
  expire_session: expireOpenSession,
  settle_refund: (unit, subject) => settleRefund(unit, subject, null),
  post_balance: postBalance,
  expire_authorization: expireAuthorization,
};

/** Where all changes are made: units of work by requests, and by jobs whose time has come, also after a restart. */
export class Ledger {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #deliveries: Deliveries;
  readonly #pace: Pace;
  #alarm: { readonly atMs: number; readonly cancel: () => void } | null = null;
  #isClosed = false;

  constructor(store: Store, clock: Clock, deliveries: Deliveries, pace: Pace) {
    this.#store = store;
    this.#clock = clock;
    this.#deliveries = deliveries;
    this.#pace = pace;
  }

  begin(account: string): UnitOfWork {
    return new UnitOfWork(this.#store, this.#clock, account, this.#pace, FOLLOW_UPS);
  }

  /** Commits the unit, and whatever `alongside` writes, as one; the deliveries are then ready to be sent. */
  async commit(unit: UnitOfWork, cause: Cause = NOBODY, alongside: () => void = () => {}): Promise<Dispatch> {
    const dispatch = await this.#store.write(() => {
      unit.write();
      alongside();
      return this.#deliveries.record(unit, cause);
    });
    if (unit.firstJobAtMs !== null) this.#armFor(unit.firstJobAtMs);
    return dispatch;
  }

  /** Runs the jobs that are due, and sets an alarm for the next; called once at the start. */
  async runDueJobs(): Promise<void> {
    this.#alarm = null;
    if (this.#isClosed) return;
    const dispatches = await this.#store.writeInTheEnd(() =>
      this.#store.dueJobs(this.#clock.now(), JOBS_PER_COMMIT).map((job) => this.#run(job)),
    );
    if (this.#isClosed || dispatches === null) return;
    for (const dispatch of dispatches) void this.#deliveries.dispatch(dispatch);
    const next = this.#store.row("SELECT min(due_at_ms) AS next FROM jobs")?.["next"];
    if (typeof next === "number") this.#armFor(next);
  }

  close(): void {
    this.#isClosed = true;
    this.#alarm?.cancel();
  }

  #run(job: Job): Dispatch {
    const unit = this.begin(job.account);
    this.#store.run("DELETE FROM jobs WHERE id = ?", job.id);
    JOBS[job.kind](unit, job.subject);
    unit.write();
    return this.#deliveries.record(unit, NOBODY);
  }

  #armFor(atMs: number): void {
    if (this.#isClosed || (this.#alarm !== null && this.#alarm.atMs <= atMs)) return;
    this.#alarm?.cancel();
    this.#alarm = { atMs, cancel: this.#clock.setAlarm(atMs, () => this.runDueJobs()) };
  }
}
