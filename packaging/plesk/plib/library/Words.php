<?php

/**
 * What nsbridge says, in lines for people.
 */
class Modules_Nsbridge_Words
{
    /**
     * Returns the text of a message, its code and its remedy.
     */
    public static function message(array $message): string
    {
        return self::line($message['text'] ?? '', $message);
    }

    /**
     * Returns all messages of a document.
     */
    public static function messages(array $document): string
    {
        return implode("\n", array_map(['self', 'message'], $document['messages']));
    }

    /**
     * Returns the cause of a job or a result, its code and its remedy.
     */
    public static function cause(array $result): string
    {
        return self::line($result['cause'] ?? '', $result);
    }

    private static function line(string $text, array $from): string
    {
        $line = isset($from['code']) ? "$text [{$from['code']}]" : $text;
        if (!isset($from['hint'])) {
            return $line;
        }
        // The program of the extension is in no PATH.
        $hint = str_replace('`nsbridge ', '`' . Modules_Nsbridge_Program::path() . ' ', $from['hint']);
        return "$line; " . pm_Locale::lmsg('remedy') . ": $hint";
    }
}
