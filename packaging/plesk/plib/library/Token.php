<?php

/**
 * A token of this installation in each form, beside the panel's own: no public source says that the panel asks for its
 * token on each POST to an extension.
 */
class Modules_Nsbridge_Token
{
    private const SETTING = 'token';

    public static function get(): string
    {
        $token = (string) pm_Settings::get(self::SETTING, '');
        if ($token === '') {
            $token = bin2hex(random_bytes(16));
            pm_Settings::set(self::SETTING, $token);
        }
        return $token;
    }
}
