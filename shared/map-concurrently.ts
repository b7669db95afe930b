/** How many items are worked on at once. */
const concurrency = 16;

/** Maps items to answers, in their order. Works as `Promise.all`, with a bounded number of items under way at once. */
export async function mapConcurrently<Item, Answer>(
  items: readonly Item[],
  work: (item: Item) => Promise<Answer>,
): Promise<Answer[]> {
  const answers: Answer[] = [];
  const rest = items.entries();
  const worker = async () => {
    for (const [index, item] of rest) answers[index] = await work(item);
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  return answers;
}
