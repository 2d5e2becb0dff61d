/** The messages of warnings that Sluice emits while a function runs. */
export async function warningsOf(run: () => Promise<void>): Promise<string[]> {
  const messages: string[] = []
  const hear = (warning: Error) => {
    if (warning.name === 'SluiceWarning') messages.push(warning.message)
  }
  process.on('warning', hear)
  try {
    await run()
    // Node emits them in a later tick.
    await new Promise((resolve) => setImmediate(resolve))
  } finally {
    process.off('warning', hear)
  }
  return messages
}
