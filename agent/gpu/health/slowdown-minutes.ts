/** In how many of the last ten minutes a GPU slowed itself down: a single sample of it means nothing. Pure. */
import type { GpuReading } from "../../../contracts/agent/gpu.ts";
import { isUnderLoad } from "./read-sample.ts";

/** What was seen in one minute of the clock. */
export interface SlowMinute {
  minute: number;
  /** Hardware: too hot, or the power supply told it to brake. */
  hardware: boolean;
  software: boolean;
  /** Slowed by hardware to less than half of its clock, under load. */
  severe: boolean;
}

const WINDOW = 10;
const SUSTAINED = 6;
const MINUTE_MS = 60_000;

export function withSlowdowns(minutes: readonly SlowMinute[], reading: GpuReading, atMs: number): SlowMinute[] {
  const minute = Math.floor(atMs / MINUTE_MS);
  const { slowdowns, smClockMhz, smClockMaxMhz } = reading;
  const hardware = slowdowns.includes("hw_thermal_slowdown") || slowdowns.includes("hw_power_brake");
  const half = smClockMhz !== null && smClockMaxMhz !== null && smClockMhz < smClockMaxMhz / 2;
  const before = minutes.find((one) => one.minute === minute);
  const now: SlowMinute = {
    minute,
    hardware: hardware || before?.hardware === true,
    software: slowdowns.includes("sw_thermal_slowdown") || before?.software === true,
    severe: (hardware && half && isUnderLoad(reading)) || before?.severe === true,
  };
  // A clock that was set back makes minutes that lie ahead: they do not count.
  const kept = minutes.filter((one) => one.minute > minute - WINDOW && one.minute < minute);
  return [...kept, now];
}

export function isSustained(minutes: readonly SlowMinute[], kind: "hardware" | "software" | "severe"): boolean {
  return minutes.filter((one) => one[kind]).length >= SUSTAINED;
}
