export function generate(description: unknown): Promise<Record<string, string>>;
