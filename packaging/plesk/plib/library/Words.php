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
     * Returns the cause of a job or a result, its code and its remedy.
     */
    public static function cause(array $result): string
    {
        return self::line($result['cause'] ?? '', $result);
    }

    private static function line(string $text, array $from): string
    {
        $line = isset($from['code']) ? "$text [{$from['code']}]" : $text;
        return isset($from['hint']) ? $line . '; ' . pm_Locale::lmsg('remedy') . ': ' . $from['hint'] : $line;
    }
}
