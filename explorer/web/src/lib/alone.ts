/**
 * alone makes a task that never runs twice at once, so that the answers of an older run
 * cannot replace those of a newer one. Asked for while it runs, it runs once more after it.
 */
export function alone(task: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined, again = false;
  const rounds = async () => {
    do {
      again = false;
      await task();
    } while (again);
  };
  return () => {
    again = true;
    return (running ??= rounds().finally(() => (running = undefined)));
  };
}
