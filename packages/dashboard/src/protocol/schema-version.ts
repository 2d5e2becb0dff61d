/** The version of what the dashboard tells. It grows when something is taken away or comes to mean something else; what is added leaves it as it is. */
export const schemaVersion = 1
