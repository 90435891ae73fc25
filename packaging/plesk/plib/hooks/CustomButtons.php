<?php

class Modules_Nsbridge_CustomButtons extends pm_Hook_CustomButtons
{
    public function getButtons()
    {
        if (!pm_Session::getClient()->isAdmin()) {
            return [];
        }
        $button = [
            'title' => pm_Locale::lmsg('title'),
            'description' => pm_Locale::lmsg('buttonDescription'),
            'icon' => pm_Context::getBaseUrl() . 'icon.png',
            'link' => pm_Context::getActionUrl('index'),
        ];
        return [
            $button + ['place' => self::PLACE_ADMIN_NAVIGATION],
            $button + ['place' => self::PLACE_HOSTING_PANEL_NAVIGATION],
        ];
    }
}
