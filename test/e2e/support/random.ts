export const between = (random: () => number, low: number, high: number) => low + random() * (high - low);

export function pick<Item>(random: () => number, items: readonly [Item, ...Item[]]): Item {
  return items[Math.floor(random() * items.length)] ?? items[0];
}
