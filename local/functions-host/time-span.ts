const parts = /^(-)?(?:(\d+)\.)?(\d{1,2}):(\d{2}):(\d{2})$/;
const SECOND = 1_000;
const DAY = 86_400 * SECOND;

/** Returns the milliseconds of a .NET time span (`d.hh:mm:ss`, days optional); fails on any other text. */
export function parseTimeSpan(text: string): number {
  const [whole, sign, days = 0, hours, minutes, seconds] = parts.exec(text) ?? [];
  if (whole === undefined)
    throw new Error(`'${text}' is no time span: hh:mm:ss is expected, with days before a point.`);
  const total = ((Number(days) * 24 + Number(hours)) * 60 + Number(minutes)) * 60 + Number(seconds);
  return (sign ? -total : total) * SECOND;
}

/** Returns milliseconds as .NET writes a time span. Parts of a second are left out. */
export function formatTimeSpan(ms: number): string {
  const days = Math.floor(ms / DAY);
  const time = new Date(ms % DAY).toISOString().slice(11, 19);
  return days > 0 ? `${days}.${time}` : time;
}
