// The tree of calls of a transaction, as debug_traceTransaction answers it.

export interface Frame {
  type: string;
  from: string;
  to?: string;
  value?: string;
  gasUsed?: string;
  input: string;
  output?: string;
  error?: string;
  revertReason?: string;
  calls?: Frame[];
}

/** firstFrames keeps the first n calls in the order in which they are shown, and tells how many there are. */
export function firstFrames(root: Frame, n: number): { root: Frame; all: number } {
  let all = 0;
  const keep = (f: Frame): Frame | undefined => {
    const kept = ++all <= n;
    const calls = f.calls?.map(keep).filter((c) => c !== undefined);
    return kept ? { ...f, calls } : undefined;
  };
  return { root: keep(root)!, all };
}
