/**
 * Begins a statement that Sluice itself sends on a connection of the app, where its adapters see it. What it writes, only Sluice reads: nothing that is kept for
 * the app depends on it.
 */
export const OWN_STATEMENT = '/* sluice */'
