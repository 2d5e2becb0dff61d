/** The messages that Sluice warns with while a function runs. */
export async function warningsOf(run: () => Promise<void>): Promise<string[]> {
  const messages: string[] = []
  const hear = (warning: Error) => {
    if (warning.name === 'SluiceWarning') messages.push(warning.message)
  }
  process.on('warning', hear)
  try {
    await run()
    // Node tells of them in a later turn.
    await new Promise((resolve) => setImmediate(resolve))
  } finally {
    process.off('warning', hear)
  }
  return messages
}
