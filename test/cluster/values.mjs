// Values that JSON does not have, on their way between the suite and the nodes: binary,
// dates, and what JavaScript calls undefined, NaN and Infinity.
const odd = { undefined: undefined, NaN: NaN, Infinity: Infinity };

/** Makes JSON of a value; what JSON does not have becomes an object with one key that begins with $. */
export function pack(value) {
  if (value === undefined) return { $odd: "undefined" };
  if (typeof value === "number" && !Number.isFinite(value)) return { $odd: Number.isNaN(value) ? "NaN" : "Infinity" };
  if (value === null || typeof value !== "object") return value;
  if (value instanceof Date) return { $date: value.toISOString() };
  if (value instanceof ArrayBuffer) return { $bin: Buffer.from(value).toString("base64") };
  if (ArrayBuffer.isView(value)) return { $bin: Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("base64") };
  if (Array.isArray(value)) return value.map(pack);
  if (value instanceof Set) return [...value].map(pack);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, pack(item)]));
}

/** The value that pack was given. */
export function unpack(value) {
  if (value === null || typeof value !== "object") return value;
  if (Array.isArray(value)) return value.map(unpack);
  if (typeof value.$odd === "string") return odd[value.$odd];
  if (typeof value.$date === "string") return new Date(value.$date);
  if (typeof value.$bin === "string") return Buffer.from(value.$bin, "base64");
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, unpack(item)]));
}
