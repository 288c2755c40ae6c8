export function talk(url: string, tokens: { ada: string; bob: string }): Promise<string[]>;
