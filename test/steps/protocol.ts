/**
 * As much of the engine's service protocol as it takes to tell journal entries apart: a stream of messages, each a header of
 * eight bytes (type, flags, length) and a protobuf body. What a handler does reaches the engine in no other way, so whoever
 * counts the messages has counted the handler's steps, of kinds that don't exist yet, too.
 *
 * https://github.com/restatedev/service-protocol
 */
export type Message = {
  readonly type: number;
  readonly body: Buffer;
  /** With its header, as it came. */
  readonly bytes: Buffer;
};

const headerLength = 8;

/** Cuts a stream into messages, however it was chunked. */
export function createSplitter(): (chunk: Buffer) => readonly Message[] {
  let rest = Buffer.alloc(0);
  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    const messages: Message[] = [];
    while (rest.length >= headerLength) {
      const end = headerLength + rest.readUInt32BE(4);
      if (rest.length < end) break;
      const bytes = rest.subarray(0, end);
      messages.push({ type: bytes.readUInt16BE(0), body: bytes.subarray(headerLength), bytes });
      rest = rest.subarray(end);
    }
    return messages;
  };
}

export const messageType = {
  start: 0x0000,
  end: 0x0003,
  proposeRunCompletion: 0x0005,
  run: 0x0411,
  runCompletion: 0x8011,
} as const;

/** Entries that the handler writes; notifications are what the engine answers. */
export function isCommand({ type }: Message): boolean {
  return type >= 0x0400 && type < 0x8000;
}

/** Only for people: a kind that isn't here is a step like any other. */
const kinds: Readonly<Record<number, string>> = {
  0x0400: "input",
  0x0401: "output",
  0x0402: "get state",
  0x0403: "set state",
  0x0404: "clear state",
  0x0405: "clear all state",
  0x0407: "get state",
  0x040c: "sleep",
  0x040d: "call",
  0x040e: "send",
  0x0410: "signal",
  0x0411: "run",
  0x0414: "resolve awakeable",
};

/** What a command does and to what, e.g. `run "create PaymentIntent"`. */
export function describeCommand({ type, body }: Message): string {
  const kind = kinds[type] ?? `command 0x${type.toString(16)}`;
  const fields = fieldsOf(body);
  switch (kind) {
    case "run":
      return `run "${textOf(fields, 12)}"`;
    case "get state":
    case "set state":
    case "clear state":
      return `${kind} "${textOf(fields, 1)}"`;
    case "call":
    case "send":
      return `${kind} ${textOf(fields, 1)}/${textOf(fields, 2)}${kind === "send" && fields.has(4) ? " later" : ""}`;
    default:
      return kind;
  }
}

/** Ties a run to its result: field 11 of the command, 1 of the proposal and of the engine's notification. */
export function completionIdOf(message: Message): number {
  const value = fieldsOf(message.body).get(message.type === messageType.run ? 11 : 1);
  return typeof value === "number" ? value : 0;
}

/** The id by which people know an invocation, `inv_…`. */
export function invocationIdOf(start: Message): string {
  return textOf(fieldsOf(start.body), 2);
}

/** The key of the object that is called, or nothing. */
export function objectKeyOf(start: Message): string {
  return textOf(fieldsOf(start.body), 6);
}

type Fields = ReadonlyMap<number, number | Buffer>;

function textOf(fields: Fields, field: number): string {
  const value = fields.get(field);
  return Buffer.isBuffer(value) ? value.toString("utf8") : "";
}

/** The fields of a protobuf message; of a repeated one the last. https://protobuf.dev/programming-guides/encoding/ */
function fieldsOf(body: Buffer): Fields {
  const fields = new Map<number, number | Buffer>();
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let factor = 1; at < body.length; factor *= 128) {
      const byte = body.readUInt8(at++);
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) break;
    }
    return value;
  };
  while (at < body.length) {
    const tag = varint();
    const field = Math.floor(tag / 8);
    switch (tag % 8) {
      case 0:
        fields.set(field, varint());
        break;
      case 1:
        at += 8;
        break;
      case 2: {
        const length = varint();
        fields.set(field, body.subarray(at, at + length));
        at += length;
        break;
      }
      case 5:
        at += 4;
        break;
      default:
        throw new Error(`Not a protobuf message: wire type ${tag % 8}.`);
    }
  }
  return fields;
}
