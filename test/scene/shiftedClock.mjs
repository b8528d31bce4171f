/**
 * Loaded before a program (`--import`), it makes the program's clock wrong by CLOCK_OFF_BY_MS, as a machine's is that nobody
 * keeps in step. Timers go on as they do: it is the time of day that is off.
 */
const offByMs = Number(process.env["CLOCK_OFF_BY_MS"]);
const RealDate = Date;
const realNow = RealDate.now.bind(RealDate);

globalThis.Date = class Date extends RealDate {
  constructor(...parts) {
    if (parts.length === 0) super(realNow() + offByMs);
    else super(...parts);
  }
  static now() {
    return realNow() + offByMs;
  }
};
