/**
 * Waits two microtasks, until V8 knows the code that awaits an ORM's query builder. Before that, a stack
 * contains no frame of the user. For ORMs whose calls are thenables. With other ORMs, the stack is complete
 * immediately.
 */
export async function afterCaller(): Promise<void> {
  await undefined
}
