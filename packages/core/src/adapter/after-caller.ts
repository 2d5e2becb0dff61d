/**
 * Waits until V8 knows who awaits an ORM's builder: two microtasks. Before that, a stack has no frame of the user.
 * For ORMs whose calls are thenables; elsewhere the stack is complete at once.
 */
export async function afterCaller(): Promise<void> {
  await undefined
}
