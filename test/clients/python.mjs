export async function runPython() {
  return { skipped: "not yet" };
}
