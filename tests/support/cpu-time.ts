/** Milliseconds that this thread computed for `work`: unlike the clock's, they say little about how busy the machine is. */
export function cpuMs(work: () => void): number {
  const before = process.threadCpuUsage();
  work();
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1_000;
}
