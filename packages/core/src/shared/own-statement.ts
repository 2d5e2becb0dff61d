/**
 * Prefix of a statement that Sluice sends on a connection of the app, where its adapters see it. Only Sluice
 * reads the rows that it writes: no cached data of the app depends on them.
 */
export const OWN_STATEMENT = '/* sluice */'
